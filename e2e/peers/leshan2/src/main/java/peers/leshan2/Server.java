package peers.leshan2;

import java.net.InetSocketAddress;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.link.lwm2m.attributes.DefaultLwM2mAttributeParser;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeSet;
import org.eclipse.leshan.core.model.LwM2mModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.node.TimestampedLwM2mNodes;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.observation.SingleObservation;
import org.eclipse.leshan.core.peer.IpPeer;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.CreateRequest;
import org.eclipse.leshan.core.request.DeleteRequest;
import org.eclipse.leshan.core.request.DiscoverRequest;
import org.eclipse.leshan.core.request.DownlinkDeviceManagementRequest;
import org.eclipse.leshan.core.request.ExecuteRequest;
import org.eclipse.leshan.core.request.ObserveRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.SendRequest;
import org.eclipse.leshan.core.request.WriteAttributesRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.response.DiscoverResponse;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.LeshanServerBuilder;
import org.eclipse.leshan.server.model.VersionedModelProvider;
import org.eclipse.leshan.server.observation.ObservationListener;
import org.eclipse.leshan.server.registration.Registration;
import org.eclipse.leshan.server.registration.RegistrationListener;
import org.eclipse.leshan.server.registration.RegistrationUpdate;
import org.eclipse.leshan.server.send.SendListener;
import org.eclipse.leshan.servers.security.InMemorySecurityStore;
import org.eclipse.leshan.servers.security.SecurityInfo;
import org.eclipse.leshan.transport.californium.server.endpoint.CaliforniumServerEndpointsProvider;
import org.eclipse.leshan.transport.californium.server.endpoint.coap.CoapServerProtocolProvider;
import org.eclipse.leshan.transport.californium.server.endpoint.coaps.CoapsServerProtocolProvider;

import peers.common.Commands;
import peers.common.Event;
import peers.common.Flags;

/** A Leshan 2 server, driven by line commands, or with --http by a load generator. */
public final class Server {
    private static final Set<String> FLAGS = Set.of("coap", "coaps", "psk", "cid", "suites", "ems", "timeout", "http", "private", "public", "certificate", "trust", "rpk", "x509");

    private final LeshanServer server;
    private final InMemorySecurityStore security = new InMemorySecurityStore();
    private final long timeout;

    public static void main(String[] args) throws Exception {
        Server s = new Server(new Flags(args, FLAGS));
        s.server.start();
        new Event("started").with("pid", ProcessHandle.current().pid()).print();
        Commands.run(s::handle);
        s.server.destroy();
        new Event("stopped").print();
        System.exit(0);
    }

    private Server(Flags flags) throws Exception {
        timeout = flags.number("timeout", 20_000);
        for (String psk : flags.all("psk")) { // endpoint,identity,hexkey
            String[] p = psk.split(",");
            security.add(SecurityInfo.newPreSharedKeyInfo(p[0], p[1], HexFormat.of().parseHex(p[2])));
        }
        for (String rpk : flags.all("rpk")) { // endpoint,hexkey
            String[] p = rpk.split(",");
            security.add(SecurityInfo.newRawPublicKeyInfo(p[0], Keys.publicKey(HexFormat.of().parseHex(p[1]))));
        }
        for (String endpoint : flags.all("x509")) {
            security.add(SecurityInfo.newX509CertInfo(endpoint));
        }
        CaliforniumServerEndpointsProvider.Builder endpoints = new CaliforniumServerEndpointsProvider.Builder(new CoapServerProtocolProvider(),
                new CoapsServerProtocolProvider());
        Configuration config = endpoints.createDefaultConfiguration();
        Client.dtls(config, flags);
        endpoints.setConfiguration(config);
        for (String a : flags.all("coap")) {
            endpoints.addEndpoint(address(a), Protocol.COAP);
        }
        for (String a : flags.all("coaps")) {
            endpoints.addEndpoint(address(a), Protocol.COAPS);
        }
        LeshanServerBuilder builder = new LeshanServerBuilder();
        builder.setEndpointsProviders(endpoints.build());
        builder.setSecurityStore(security);
        builder.setObjectModelProvider(new VersionedModelProvider(Models.server()));
        if (flags.has("private")) {
            builder.setPrivateKey(Keys.privateKey(flags.bytes("private")));
        }
        if (flags.has("public")) {
            builder.setPublicKey(Keys.publicKey(flags.bytes("public")));
        }
        if (flags.has("certificate")) {
            builder.setCertificateChain(new X509Certificate[] { Keys.certificate(flags.bytes("certificate")) });
            builder.setTrustedCertificates(new X509Certificate[] { Keys.certificate(flags.bytes("trust")) });
        }
        server = builder.build();
        if (flags.has("http")) { // under load: an event a message would be a measurement of standard output
            Http.start(address(flags.get("http", "")), server, security);
            return;
        }
        server.getRegistrationService().addListener(new Registrations());
        server.getObservationService().addListener(new Notifications());
        server.getSendService().addListener(new Sends());
    }

    private static InetSocketAddress address(String hostPort) {
        int colon = hostPort.lastIndexOf(':');
        return new InetSocketAddress(hostPort.substring(0, colon), Integer.parseInt(hostPort.substring(colon + 1)));
    }

    /**
     * Commands: read EP PATH [FORMAT], write EP PATH VALUE, write-file EP PATH FILE [FORMAT], replace|update EP PATH ID=VALUE..., execute EP PATH [ARGS], discover EP PATH,
     * observe EP PATH, cancel EP PATH, composite-... (see Composites), delete EP PATH, create EP PATH ID=VALUE..., attributes EP PATH pmin=1&pmax=2, psk EP IDENTITY KEY.
     */
    private boolean handle(String[] w) throws Exception {
        if (w[0].equals("psk")) {
            security.add(SecurityInfo.newPreSharedKeyInfo(w[1], w[2], HexFormat.of().parseHex(w[3])));
            new Event("psk").with("ep", w[1]).print();
            return true;
        }
        Registration reg = server.getRegistrationService().getByEndpoint(w[1]);
        if (reg == null) {
            throw new IllegalArgumentException(w[1] + " is not registered");
        }
        if (Composites.handle(server, reg, w, timeout)) {
            return true;
        }
        if (w[0].equals("cancel")) {
            int n = server.getObservationService().cancelObservations(reg, w[2]);
            new Event("response").with("op", w[0]).with("ep", w[1]).with("path", w[2]).with("cancelled", n).print();
            return true;
        }
        LwM2mResponse r = server.send(reg, request(reg, w), timeout);
        Event e = new Event("response").with("op", w[0]).with("ep", w[1]).with("path", w[2]);
        if (r == null) {
            e.with("timeout", true).print();
            return true;
        }
        e.with("code", r.getCode().getCode()).with("success", r.isSuccess()).with("message", r.getErrorMessage());
        if (r instanceof ReadResponse read && read.getContent() != null) {
            e.with("value", Nodes.value(read.getContent()));
        } else if (r instanceof DiscoverResponse d && d.getObjectLinks() != null) {
            List<String> links = new ArrayList<>();
            for (var link : d.getObjectLinks()) {
                links.add(link.toString());
            }
            e.with("links", links);
        }
        e.print();
        return true;
    }

    private DownlinkDeviceManagementRequest<? extends LwM2mResponse> request(Registration reg, String[] w) throws Exception {
        LwM2mPath path = new LwM2mPath(w[2]);
        LwM2mModel model = server.getModelProvider().getObjectModel(reg);
        switch (w[0]) {
        case "read":
            return new ReadRequest(w.length > 3 ? ContentFormat.fromName(w[3]) : null, w[2]);
        case "observe":
            return new ObserveRequest(w.length > 3 ? ContentFormat.fromName(w[3]) : null, w[2]);
        case "discover":
            return new DiscoverRequest(w[2]);
        case "execute":
            return w.length > 3 ? new ExecuteRequest(w[2], w[3]) : new ExecuteRequest(w[2]);
        case "delete":
            return new DeleteRequest(w[2]);
        case "attributes":
            return new WriteAttributesRequest(w[2], new LwM2mAttributeSet(new DefaultLwM2mAttributeParser().parseUriQuery(w[3])));
        case "write":
            LwM2mResource res = resource(model, path.getObjectId(), path.getResourceId() + "=" + String.join(" ", Arrays.copyOfRange(w, 3, w.length)));
            return new WriteRequest(WriteRequest.Mode.REPLACE, null, w[2], res);
        case "write-file":
            return new WriteRequest(WriteRequest.Mode.REPLACE, ContentFormat.fromName(w.length > 4 ? w[4] : "OPAQUE"), w[2],
                    LwM2mSingleResource.newBinaryResource(path.getResourceId(), java.nio.file.Files.readAllBytes(java.nio.file.Path.of(w[3]))));
        case "replace", "update":
            return new WriteRequest(w[0].equals("replace") ? WriteRequest.Mode.REPLACE : WriteRequest.Mode.UPDATE, null, w[2],
                    new LwM2mObjectInstance(path.getObjectInstanceId(), resources(model, path, w)));
        case "create":
            if (path.isObjectInstance()) {
                return new CreateRequest(path.getObjectId(), new LwM2mObjectInstance(path.getObjectInstanceId(), resources(model, path, w)));
            }
            return new CreateRequest(path.getObjectId(), resources(model, path, w));
        default:
            throw new IllegalArgumentException("unknown command " + w[0]);
        }
    }

    private static List<LwM2mResource> resources(LwM2mModel model, LwM2mPath path, String[] w) {
        List<LwM2mResource> all = new ArrayList<>();
        for (int i = 3; i < w.length; i++) {
            all.add(resource(model, path.getObjectId(), w[i]));
        }
        return all;
    }

    /** Reads ID=VALUE, and ID=VALUE,VALUE... for a multiple resource. */
    private static LwM2mResource resource(LwM2mModel model, int object, String text) {
        int equals = text.indexOf('=');
        int id = Integer.parseInt(text.substring(0, equals));
        String value = text.substring(equals + 1);
        ResourceModel definition = model.getResourceModel(object, id);
        Type type = definition == null ? Type.STRING : definition.type;
        if (definition != null && definition.multiple) {
            java.util.Map<Integer, Object> values = new java.util.TreeMap<>();
            for (String v : value.split(",")) {
                values.put(values.size(), Models.parse(type, v));
            }
            return LwM2mMultipleResource.newResource(id, values, type);
        }
        return LwM2mSingleResource.newResource(id, Models.parse(type, value), type);
    }

    private static Event registration(String name, Registration r) {
        List<String> links = new ArrayList<>();
        for (var link : r.getSortedObjectLinks()) {
            links.add(link.toString());
        }
        return new Event(name).with("ep", r.getEndpoint()).with("id", r.getId()).with("address", r.getSocketAddress())
                .with("version", r.getLwM2mVersion()).with("lifetime", r.getLifeTimeInSec()).with("binding", r.getBindingMode())
                .with("queue", r.getQueueMode()).with("root", r.getRootPath()).with("links", links)
                .with("identity", ((IpPeer) r.getClientTransportData()).getIdentity());
    }

    private static final class Registrations implements RegistrationListener {
        @Override
        public void registered(Registration r, Registration previous, Collection<Observation> observations) {
            registration("registered", r).with("replaced", previous == null ? null : previous.getId()).print();
        }

        @Override
        public void updated(RegistrationUpdate update, Registration updated, Registration previous) {
            registration("updated", updated).print();
        }

        @Override
        public void unregistered(Registration r, Collection<Observation> observations, boolean expired, Registration replacement) {
            new Event("deregistered").with("ep", r.getEndpoint()).with("id", r.getId()).with("expired", expired)
                    .with("replaced", replacement != null).print();
        }
    }

    private static final class Notifications implements ObservationListener {
        @Override
        public void newObservation(Observation o, Registration r) {
        }

        @Override
        public void cancelled(Observation o) {
        }

        @Override
        public void onResponse(SingleObservation o, Registration r, ObserveResponse response) {
            new Event("notification").with("ep", r.getEndpoint()).with("path", o.getPath()).with("code", response.getCode().getCode())
                    .with("value", Nodes.value(response.getContent())).print();
        }

        @Override
        public void onResponse(CompositeObservation o, Registration r, ObserveCompositeResponse response) {
            new Event("composite-notification").with("ep", r.getEndpoint()).with("code", response.getCode().getCode())
                    .with("values", response.getContent() == null ? null : Composites.values(response.getContent())).print();
        }

        @Override
        public void onError(Observation o, Registration r, Exception error) {
            new Event("notification-error").with("ep", r == null ? null : r.getEndpoint()).with("message", error.toString()).print();
        }
    }

    private static final class Sends implements SendListener {
        @Override
        public void dataReceived(Registration r, TimestampedLwM2mNodes data, SendRequest request) {
            Composites.sent(r.getEndpoint(), data).print();
        }

        @Override
        public void onError(Registration r, String message, Exception error) {
            new Event("send-error").with("message", message + " " + error).print();
        }
    }
}
