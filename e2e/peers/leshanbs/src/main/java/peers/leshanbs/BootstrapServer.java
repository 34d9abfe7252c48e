package peers.leshanbs;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

import org.eclipse.leshan.core.SecurityMode;
import org.eclipse.leshan.core.endpoint.Protocol;
import org.eclipse.leshan.core.peer.LwM2mPeer;
import org.eclipse.leshan.core.peer.OscoreIdentity;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.BootstrapDownlinkRequest;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.util.datatype.ULong;
import org.eclipse.leshan.server.bootstrap.BootstrapConfig;
import org.eclipse.leshan.server.bootstrap.BootstrapFailureCause;
import org.eclipse.leshan.server.bootstrap.BootstrapSession;
import org.eclipse.leshan.server.bootstrap.BootstrapSessionListener;
import org.eclipse.leshan.server.bootstrap.InMemoryBootstrapConfigStore;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServer;
import org.eclipse.leshan.server.bootstrap.LeshanBootstrapServerBuilder;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.CaliforniumBootstrapServerEndpointsProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coap.CoapBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.californium.bootstrap.endpoint.coaps.CoapsBootstrapServerProtocolProvider;
import org.eclipse.leshan.server.security.BootstrapSecurityStore;
import org.eclipse.leshan.server.security.SecurityInfo;

import peers.common.Commands;
import peers.common.Event;
import peers.common.Flags;

/** A Leshan bootstrap server (2.0.0-M14) with one configuration, for the endpoint of --endpoint. */
public final class BootstrapServer {
    private static final Set<String> FLAGS = Set.of("coap", "coaps", "endpoint", "psk", "server", "bootstrap", "format", "delete", "auto", "acl");

    private final Flags flags;
    private final LeshanBootstrapServer server;
    private final InMemoryBootstrapConfigStore store = new InMemoryBootstrapConfigStore();

    public static void main(String[] args) throws Exception {
        BootstrapServer s = new BootstrapServer(new Flags(args, FLAGS));
        s.server.start();
        new Event("started").with("pid", ProcessHandle.current().pid()).print();
        Commands.run(s::handle);
        s.server.destroy();
        new Event("stopped").print();
        System.exit(0);
    }

    private BootstrapServer(Flags flags) throws Exception {
        this.flags = flags;
        CaliforniumBootstrapServerEndpointsProvider.Builder endpoints = new CaliforniumBootstrapServerEndpointsProvider.Builder(
                new CoapBootstrapServerProtocolProvider(), new CoapsBootstrapServerProtocolProvider());
        for (String a : flags.all("coap")) {
            endpoints.addEndpoint(address(a), Protocol.COAP);
        }
        for (String a : flags.all("coaps")) {
            endpoints.addEndpoint(address(a), Protocol.COAPS);
        }
        store.add(flags.get("endpoint", "heddle"), config());
        LeshanBootstrapServerBuilder builder = new LeshanBootstrapServerBuilder();
        builder.setEndpointsProviders(endpoints.build());
        builder.setConfigStore(store);
        builder.setSecurityStore(new Security());
        server = builder.build();
        server.addListener(new Sessions());
    }

    private static InetSocketAddress address(String hostPort) {
        int colon = hostPort.lastIndexOf(':');
        return new InetSocketAddress(hostPort.substring(0, colon), Integer.parseInt(hostPort.substring(colon + 1)));
    }

    /** What a device is given. */
    private BootstrapConfig config() {
        BootstrapConfig c = new BootstrapConfig();
        c.autoIdForSecurityObject = flags.get("auto", "off").equals("on"); // Discover first, to find free instances
        if (flags.has("format")) {
            c.contentFormat = ContentFormat.fromName(flags.get("format", "TLV"));
        }
        c.toDelete = flags.all("delete");
        int i = 0;
        for (String b : flags.all("bootstrap")) { // URI[,identity,hexkey]: the device's account here
            c.security.put(i++, security(b.split(","), 0, true));
        }
        int n = 0;
        for (String s : flags.all("server")) { // SSID,lifetime,URI[,identity,hexkey]
            String[] p = s.split(",", 3);
            BootstrapConfig.ServerConfig server = new BootstrapConfig.ServerConfig();
            server.shortId = Integer.parseInt(p[0]);
            server.lifetime = Integer.parseInt(p[1]);
            server.defaultMinPeriod = 1;
            server.notifIfDisabled = true;
            server.binding = EnumSet.of(BindingMode.U);
            server.communicationRetryCount = ULong.valueOf(3);
            c.servers.put(n++, server);
            c.security.put(i++, security(p[2].split(","), server.shortId, false));
        }
        int a = 0;
        for (String s : flags.all("acl")) { // object,instance,owner,SSID,rights
            String[] p = s.split(",");
            BootstrapConfig.ACLConfig acl = new BootstrapConfig.ACLConfig();
            acl.objectId = Integer.parseInt(p[0]);
            acl.objectInstanceId = Integer.parseInt(p[1]);
            acl.AccessControlOwner = Integer.parseInt(p[2]);
            acl.acls = new HashMap<>();
            acl.acls.put(Integer.parseInt(p[3]), Long.parseLong(p[4]));
            c.acls.put(a++, acl);
        }
        return c;
    }

    private static BootstrapConfig.ServerSecurity security(String[] p, int shortId, boolean bootstrap) {
        BootstrapConfig.ServerSecurity s = new BootstrapConfig.ServerSecurity();
        s.uri = p[0];
        s.bootstrapServer = bootstrap;
        s.serverId = shortId;
        s.securityMode = SecurityMode.NO_SEC;
        if (p.length > 1) {
            s.securityMode = SecurityMode.PSK;
            s.publicKeyOrId = p[1].getBytes(StandardCharsets.UTF_8);
            s.secretKey = HexFormat.of().parseHex(p[2]);
        }
        return s;
    }

    /** The only commands are those of Commands itself: quit, or the end of input. */
    private boolean handle(String[] w) {
        throw new IllegalArgumentException("unknown command; known is quit");
    }

    /** Who may come over DTLS: --psk endpoint,identity,hexkey. */
    private final class Security implements BootstrapSecurityStore {
        @Override
        public Iterator<SecurityInfo> getAllByEndpoint(String endpoint) {
            List<SecurityInfo> all = infos().stream().filter(i -> i.getEndpoint().equals(endpoint)).toList();
            return all.isEmpty() ? null : all.iterator();
        }

        @Override
        public SecurityInfo getByIdentity(String identity) {
            return infos().stream().filter(i -> i.getPskIdentity().equals(identity)).findFirst().orElse(null);
        }

        @Override
        public SecurityInfo getByOscoreIdentity(OscoreIdentity identity) {
            return null;
        }

        private List<SecurityInfo> infos() {
            return flags.all("psk").stream().map(s -> s.split(",")).map(p -> SecurityInfo.newPreSharedKeyInfo(p[0], p[1], HexFormat.of().parseHex(p[2])))
                    .toList();
        }
    }

    /** Prints the life of a session. */
    private static final class Sessions implements BootstrapSessionListener {
        private static String name(BootstrapDownlinkRequest<?> r) {
            return r.getClass().getSimpleName();
        }

        /** Finish has no path. */
        private static String path(BootstrapDownlinkRequest<?> r) {
            return r.getPath() == null ? null : r.getPath().toString();
        }

        @Override
        public void sessionInitiated(BootstrapRequest r, LwM2mPeer peer) {
            new Event("initiated").with("ep", r.getEndpointName())
                    .with("pct", r.getPreferredContentFormat() == null ? null : r.getPreferredContentFormat().getName()).print();
        }

        @Override
        public void unAuthorized(BootstrapRequest r, LwM2mPeer peer) {
            new Event("unauthorized").with("ep", r.getEndpointName()).print();
        }

        @Override
        public void authorized(BootstrapSession s) {
            new Event("authorized").with("ep", s.getEndpoint()).print();
        }

        @Override
        public void noConfig(BootstrapSession s) {
            new Event("no-config").with("ep", s.getEndpoint()).print();
        }

        @Override
        public void sendRequest(BootstrapSession s, BootstrapDownlinkRequest<? extends LwM2mResponse> r) {
            new Event("sent").with("op", name(r)).with("path", path(r)).print();
        }

        @Override
        public void onResponseSuccess(BootstrapSession s, BootstrapDownlinkRequest<? extends LwM2mResponse> r, LwM2mResponse a) {
            new Event("answered").with("op", name(r)).with("path", path(r)).with("code", a.getCode().getCode()).print();
        }

        @Override
        public void onResponseError(BootstrapSession s, BootstrapDownlinkRequest<? extends LwM2mResponse> r, LwM2mResponse a) {
            new Event("refused").with("op", name(r)).with("path", path(r)).with("code", a.getCode().getCode())
                    .with("message", a.getErrorMessage()).print();
        }

        @Override
        public void onRequestFailure(BootstrapSession s, BootstrapDownlinkRequest<? extends LwM2mResponse> r, Throwable cause) {
            new Event("request-failed").with("op", name(r)).with("path", path(r)).with("cause", String.valueOf(cause)).print();
        }

        @Override
        public void end(BootstrapSession s) {
            new Event("bootstrapped").with("ep", s.getEndpoint()).print();
        }

        @Override
        public void failed(BootstrapSession s, BootstrapFailureCause cause) {
            new Event("failed").with("ep", s.getEndpoint()).with("cause", String.valueOf(cause)).print();
        }
    }
}
