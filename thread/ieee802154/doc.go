// Package ieee802154 is the frame format of the radio: IEEE 802.15.4 frames of the versions 2003, 2006 and 2015, header
// information elements, the auxiliary security header, AES-CCM* and the check sequence, as Thread uses them. Parsers borrow
// from the frame and never panic; encoders append.
package ieee802154
