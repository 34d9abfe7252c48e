// A few object definitions, enough to draw the pages with. Development only: the real registry is lwm2m/registry.
const R = (id, name, operations, type, mandatory = false, extra = {}) => ({ id, name, operations, multiple: false, mandatory, type, range: '', units: '', ...extra })
const many = { multiple: true }
const O = (id, version, name, multiple, mandatory, resources) => ({ id, version, name, urn: `urn:oma:lwm2m:${id > 3000 ? 'ext' : 'oma'}:${id}${version === '1.0' ? '' : ':' + version}`, multiple, mandatory, versions: [version], source: 'builtin', resources })
const sensor = (id, name, units) => O(id, '1.1', name, true, false, [
  R(5700, 'Sensor Value', 'R', 'Float', true, { units }), R(5601, 'Min Measured Value', 'R', 'Float', false, { units }), R(5602, 'Max Measured Value', 'R', 'Float', false, { units }),
  R(5603, 'Min Range Value', 'R', 'Float', false, { units }), R(5604, 'Max Range Value', 'R', 'Float', false, { units }), R(5605, 'Reset Min and Max Measured Values', 'E', ''),
  R(5701, 'Sensor Units', 'R', 'String'), R(5750, 'Application Type', 'RW', 'String'), R(5518, 'Timestamp', 'R', 'Time'), R(6042, 'Measurement Quality Indicator', 'R', 'Integer', false, { range: '0..23' }), R(6049, 'Measurement Quality Level', 'R', 'Integer', false, { range: '0..100' }),
])
export const objects = [
  O(0, '1.1', 'LWM2M Security', true, true, [R(0, 'LWM2M Server URI', '', 'String', true), R(1, 'Bootstrap-Server', '', 'Boolean', true)]),
  O(1, '1.1', 'LwM2M Server', true, true, [
    R(0, 'Short Server ID', 'R', 'Integer', true, { range: '1..65534' }), R(1, 'Lifetime', 'RW', 'Integer', true, { units: 's' }), R(2, 'Default Minimum Period', 'RW', 'Integer', false, { units: 's' }), R(3, 'Default Maximum Period', 'RW', 'Integer', false, { units: 's' }),
    R(4, 'Disable', 'E', ''), R(5, 'Disable Timeout', 'RW', 'Integer', false, { units: 's' }), R(6, 'Notification Storing When Disabled or Offline', 'RW', 'Boolean', true), R(7, 'Binding', 'RW', 'String', true), R(8, 'Registration Update Trigger', 'E', '', true),
  ]),
  O(3, '1.1', 'Device', false, true, [
    R(0, 'Manufacturer', 'R', 'String'), R(1, 'Model Number', 'R', 'String'), R(2, 'Serial Number', 'R', 'String'), R(3, 'Firmware Version', 'R', 'String'), R(4, 'Reboot', 'E', '', true), R(5, 'Factory Reset', 'E', ''),
    R(6, 'Available Power Sources', 'R', 'Integer', false, { ...many, range: '0..7' }), R(7, 'Power Source Voltage', 'R', 'Integer', false, { ...many, units: 'mV' }), R(8, 'Power Source Current', 'R', 'Integer', false, { ...many, units: 'mA' }),
    R(9, 'Battery Level', 'R', 'Integer', false, { range: '0..100', units: '%' }), R(10, 'Memory Free', 'R', 'Integer', false, { units: 'KB' }), R(11, 'Error Code', 'R', 'Integer', true, { ...many, range: '0..32' }), R(12, 'Reset Error Code', 'E', ''),
    R(13, 'Current Time', 'RW', 'Time'), R(14, 'UTC Offset', 'RW', 'String'), R(15, 'Timezone', 'RW', 'String'), R(16, 'Supported Binding and Modes', 'R', 'String', true), R(17, 'Device Type', 'R', 'String'), R(20, 'Battery Status', 'R', 'Integer', false, { range: '0..6' }), R(21, 'Memory Total', 'R', 'Integer', false, { units: 'KB' }), R(22, 'ExtDevInfo', 'R', 'Objlnk', false, many),
  ]),
  O(4, '1.3', 'Connectivity Monitoring', false, false, [R(0, 'Network Bearer', 'R', 'Integer', true), R(1, 'Available Network Bearer', 'R', 'Integer', true, many), R(2, 'Radio Signal Strength', 'R', 'Integer', true, { units: 'dBm' }), R(3, 'Link Quality', 'R', 'Integer'), R(4, 'IP Addresses', 'R', 'String', true, many), R(5, 'Router IP Addresses', 'R', 'String', false, many)]),
  O(6, '1.0', 'Location', false, false, [R(0, 'Latitude', 'R', 'Float', true, { units: 'lat' }), R(1, 'Longitude', 'R', 'Float', true, { units: 'lon' }), R(2, 'Altitude', 'R', 'Float', false, { units: 'm' }), R(3, 'Radius', 'R', 'Float', false, { units: 'm' }), R(4, 'Velocity', 'R', 'Opaque'), R(5, 'Timestamp', 'R', 'Time', true), R(6, 'Speed', 'R', 'Float', false, { units: 'm/s' })]),
  O(7, '1.0', 'Connectivity Statistics', false, false, [R(0, 'SMS Tx Counter', 'R', 'Integer'), R(2, 'Tx Data', 'R', 'Integer', false, { units: 'KB' }), R(3, 'Rx Data', 'R', 'Integer', false, { units: 'KB' }), R(6, 'Start', 'E', '', true), R(7, 'Stop', 'E', '', true), R(8, 'Collection Period', 'RW', 'Integer', false, { units: 's' })]),
  sensor(3303, 'Temperature', 'Cel'), sensor(3304, 'Humidity', '%RH'),
  O(3305, '1.0', 'Power Measurement', true, false, [R(5800, 'Instantaneous active power', 'R', 'Float', true, { units: 'W' }), R(5805, 'Cumulative active power', 'R', 'Float', false, { units: 'Wh' }), R(5822, 'Reset Cumulative energy', 'E', ''), R(5750, 'Application Type', 'RW', 'String')]),
  O(3311, '1.0', 'Light Control', true, false, [R(5850, 'On/Off', 'RW', 'Boolean', true), R(5851, 'Dimmer', 'RW', 'Integer', false, { range: '0..100', units: '%' }), R(5706, 'Colour', 'RW', 'String'), R(5852, 'On time', 'RW', 'Integer', false, { units: 's' }), R(5750, 'Application Type', 'RW', 'String')]),
  O(3342, '1.0', 'On/Off switch', true, false, [R(5500, 'Digital Input State', 'R', 'Boolean', true), R(5501, 'Digital Input Counter', 'R', 'Integer')]),
  O(31024, '1.0', 'LwM2M Test', true, false, [
    R(1, 'Test Integer', 'RW', 'Integer', true, { range: '0..255' }), R(2, 'Test Execute', 'E', ''), R(3, 'Test Float', 'RW', 'Float', false, { range: '-20..65' }), R(4, 'Test String', 'RW', 'String', false, { range: '0..20 bytes' }), R(5, 'Test Bytes', 'RW', 'Opaque'), R(6, 'Test Time', 'RW', 'Time'), R(7, 'Test Boolean', 'RW', 'Boolean'),
    R(8, 'Test Link', 'RW', 'Objlnk'), R(9, 'Test Numbers', 'RW', 'Integer', false, many), R(10, 'Test Unsigned', 'RW', 'Unsigned Integer'), R(11, 'Test Secret', 'W', 'String'),
  ]),
]
