package peers.leshan2;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Date;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.eclipse.californium.core.config.CoapConfig;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.dtls.ExtendedMasterSecretMode;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.observer.LwM2mClientObserverAdapter;
import org.eclipse.leshan.client.resource.LwM2mInstanceEnabler;
import org.eclipse.leshan.client.resource.LwM2mObjectEnabler;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.send.ManualDataSender;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.DeregisterRequest;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UpdateRequest;
import org.eclipse.leshan.core.response.SendResponse;
import org.eclipse.leshan.core.util.datatype.ULong;
import org.eclipse.leshan.transport.californium.client.endpoint.CaliforniumClientEndpointsProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coap.CoapClientProtocolProvider;
import org.eclipse.leshan.transport.californium.client.endpoint.coaps.CoapsClientProtocolProvider;

import peers.common.Commands;
import peers.common.Event;
import peers.common.Flags;

/** A Leshan 2 client: an LwM2M 1.1 device with objects 0, 1, 3, 6, 3303 and 31024. */
public final class Client {
    private static final Set<String> FLAGS = Set.of("endpoint", "server", "identity", "key", "cid", "lifetime", "period", "suites", "ems",
            "queue", "format", "bind", "bootstrap", "firmware", "private", "public", "certificate", "server-public", "usage", "trust");

    public static void main(String[] args) throws Exception {
        Flags flags = new Flags(args, FLAGS);
        String uri = flags.get("server", "coap://127.0.0.1:5683");
        Map<String, Instance> instances = instances();

        ObjectsInitializer objects = new ObjectsInitializer(new StaticModel(Models.client()));
        boolean bootstrap = flags.get("bootstrap", "off").equals("on");
        if (bootstrap && flags.has("key")) {
            objects.setInstancesForObject(0, Security.pskBootstrap(uri, flags.get("identity", "").getBytes(StandardCharsets.UTF_8),
                    HexFormat.of().parseHex(flags.get("key", ""))));
        } else if (bootstrap) {
            objects.setInstancesForObject(0, Security.noSecBootstrap(uri));
        } else if (flags.has("key")) {
            objects.setInstancesForObject(0, Security.psk(uri, 123, flags.get("identity", "").getBytes(StandardCharsets.UTF_8),
                    HexFormat.of().parseHex(flags.get("key", ""))));
        } else if (flags.has("certificate")) {
            objects.setInstancesForObject(0, Security.x509(uri, 123, flags.bytes("certificate"), flags.bytes("private"), flags.bytes("server-public"),
                    ULong.valueOf(flags.number("usage", 3))));
        } else if (flags.has("private")) {
            objects.setInstancesForObject(0, Security.rpk(uri, 123, flags.bytes("public"), flags.bytes("private"), flags.bytes("server-public")));
        } else {
            objects.setInstancesForObject(0, Security.noSec(uri, 123));
        }
        if (bootstrap) {
            objects.setClassForObject(1, Server.class);
        } else {
            objects.setInstancesForObject(1, new Server(123, flags.number("lifetime", 300), EnumSet.of(BindingMode.U), false, BindingMode.U));
        }
        for (int object : new int[] { 3, 6, 3303, 31024 }) {
            objects.setInstancesForObject(object, instances.entrySet().stream().filter(e -> e.getKey().startsWith("/" + object + "/"))
                    .map(Map.Entry::getValue).toArray(LwM2mInstanceEnabler[]::new));
            objects.setFactoryForObject(object, (model, id, taken) -> {
                int free = id == null ? 0 : id;
                while (id == null && taken.contains(free)) {
                    free++;
                }
                Instance i = new Instance(object, free);
                i.setModel(model);
                instances.put("/" + object + "/" + free, i);
                new Event("created").with("path", "/" + object + "/" + free).print();
                return i;
            });
        }
        if (flags.has("firmware")) { // the version that an update installs
            Firmware firmware = new Firmware(instances.get("/3/0"), flags.get("firmware", ""));
            objects.setInstancesForObject(5, firmware);
            objects.setFactoryForObject(5, (model, id, taken) -> firmware);
        }
        List<LwM2mObjectEnabler> enablers = objects.createAll();

        CaliforniumClientEndpointsProvider.Builder endpoints = new CaliforniumClientEndpointsProvider.Builder(new CoapClientProtocolProvider(),
                new CoapsClientProtocolProvider());
        Configuration config = endpoints.createDefaultConfiguration();
        dtls(config, flags);
        if (flags.has("firmware")) {
            config.set(CoapConfig.MAX_RESOURCE_BODY_SIZE, 1 << 20); // Californium takes 8 KB otherwise
        }
        endpoints.setConfiguration(config);
        if (flags.has("bind")) {
            endpoints.setClientAddress(InetAddress.getByName(flags.get("bind", "")));
        }

        DefaultRegistrationEngineFactory engine = new DefaultRegistrationEngineFactory();
        engine.setReconnectOnUpdate(false);
        engine.setResumeOnConnect(true);
        engine.setQueueMode(flags.get("queue", "off").equals("on"));
        engine.setRetryWaitingTimeInMs(1000);
        if (flags.has("period")) {
            engine.setCommunicationPeriod(flags.number("period", 0));
        }
        if (flags.has("format")) {
            engine.setPreferredContentFormat(ContentFormat.fromName(flags.get("format", "")));
        }

        LeshanClientBuilder builder = new LeshanClientBuilder(flags.get("endpoint", "leshan2")).setObjects(enablers)
                .setEndpointsProviders(endpoints.build()).setRegistrationEngineFactory(engine).setDataSenders(new ManualDataSender());
        if (flags.has("trust")) {
            builder.setTrustStore(List.of(Keys.certificate(flags.bytes("trust"))));
        }
        LeshanClient client = builder.build();
        client.addObserver(new Observer());
        new Event("started").with("pid", ProcessHandle.current().pid()).print();
        client.start();
        boolean[] deregister = { false };
        Commands.run(words -> {
            switch (words[0]) {
            case "set": // set /3303/0/5700 22.5
                int slash = words[1].lastIndexOf('/');
                instances.get(words[1].substring(0, slash)).set(Integer.parseInt(words[1].substring(slash + 1)),
                        String.join(" ", Arrays.copyOfRange(words, 2, words.length)));
                new Event("set").with("path", words[1]).print();
                return true;
            case "update":
                client.triggerRegistrationUpdate();
                return true;
            case "send": // send /3303/0/5700 ...
                LwM2mServer server = client.getRegisteredServers().values().iterator().next();
                SendResponse r = client.getSendService().sendData(server, ContentFormat.SENML_CBOR,
                        Arrays.asList(words).subList(1, words.length), 5000);
                new Event("sent").with("code", r == null ? "timeout" : r.getCode().getCode()).print();
                return true;
            case "collect": // collect /3303/0/5700 ...: a sample with its time
                client.getSendService().getDataSender(ManualDataSender.DEFAULT_NAME, ManualDataSender.class)
                        .collectData(Arrays.stream(words).skip(1).map(LwM2mPath::new).toList());
                new Event("collected").print();
                return true;
            case "send-collected": // send-collected FORMAT
                client.getSendService().getDataSender(ManualDataSender.DEFAULT_NAME, ManualDataSender.class)
                        .sendCollectedData(client.getRegisteredServers().values().iterator().next(), ContentFormat.fromName(words[1]), 5000, false);
                return true;
            case "stop": // deregisters first
                deregister[0] = true;
                return false;
            default:
                throw new IllegalArgumentException("unknown command; known are set, update, send, collect, send-collected, stop, quit");
            }
        });
        client.destroy(deregister[0]);
        new Event("stopped").print();
        System.exit(0);
    }

    /** The device's objects with their first values, by path. */
    private static Map<String, Instance> instances() {
        Map<String, Instance> all = new LinkedHashMap<>();
        all.put("/3/0", new Instance(3, 0).with(0, Type.STRING, "Eclipse Leshan").with(1, Type.STRING, "Leshan 2 peer")
                .with(2, Type.STRING, "L2-0001").with(3, Type.STRING, "2.0.0-M18").with(6, Type.INTEGER, Map.of(0, 1L, 1, 5L))
                .with(7, Type.INTEGER, Map.of(0, 3800L, 1, 5000L)).with(8, Type.INTEGER, Map.of(0, 125L, 1, 900L)).with(9, Type.INTEGER, 87L)
                .with(10, Type.INTEGER, 4096L).with(11, Type.INTEGER, Map.of(0, 0L)).with(13, Type.TIME, new Date(1767225600000L))
                .with(14, Type.STRING, "+01:00").with(15, Type.STRING, "Europe/Berlin").with(16, Type.STRING, "U"));
        all.put("/6/0", new Instance(6, 0).with(0, Type.FLOAT, 27.986065).with(1, Type.FLOAT, 86.922623).with(2, Type.FLOAT, 8495.0)
                .with(5, Type.TIME, new Date(1767225600000L)));
        all.put("/3303/0", new Instance(3303, 0).with(5700, Type.FLOAT, 20.5).with(5701, Type.STRING, "Cel").with(5601, Type.FLOAT, 20.5)
                .with(5602, Type.FLOAT, 20.5));
        for (int i = 0; i < 3; i++) {
            all.put("/31024/" + (10 + i), new Instance(31024, 10 + i).with(1, Type.INTEGER, 20L + i).with(3, Type.FLOAT, -30 + 1.01 * i)
                    .with(5, Type.OPAQUE, new byte[] { 1, 2, 3 }));
        }
        return all;
    }

    /** --cid is off or the length of the client's own CID (0 is what most have); --ems is off, on or required. */
    static void dtls(Configuration config, Flags flags) {
        String cid = flags.get("cid", "0");
        config.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, cid.equals("off") ? -1 : Integer.parseInt(cid));
        config.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
        if (flags.has("suites")) {
            config.set(DtlsConfig.DTLS_CIPHER_SUITES,
                    Arrays.stream(flags.get("suites", "").split(",")).map(CipherSuite::getTypeByName).toList());
        }
        switch (flags.get("ems", "")) {
        case "off" -> config.set(DtlsConfig.DTLS_EXTENDED_MASTER_SECRET_MODE, ExtendedMasterSecretMode.NONE);
        case "on" -> config.set(DtlsConfig.DTLS_EXTENDED_MASTER_SECRET_MODE, ExtendedMasterSecretMode.ENABLED);
        case "required" -> config.set(DtlsConfig.DTLS_EXTENDED_MASTER_SECRET_MODE, ExtendedMasterSecretMode.REQUIRED);
        default -> {
        }
        }
    }

    /** Prints the life of the registration. */
    private static final class Observer extends LwM2mClientObserverAdapter {
        private static void failed(String name, ResponseCode code, String message, Exception cause) {
            new Event(name).with("code", code == null ? null : code.getCode()).with("message", message)
                    .with("cause", cause == null ? null : cause.toString()).print();
        }

        @Override
        public void onRegistrationSuccess(LwM2mServer server, RegisterRequest request, String id) {
            new Event("registered").with("id", id).print();
        }

        @Override
        public void onRegistrationFailure(LwM2mServer server, RegisterRequest request, ResponseCode code, String message, Exception cause) {
            failed("registration-failed", code, message, cause);
        }

        @Override
        public void onRegistrationTimeout(LwM2mServer server, RegisterRequest request) {
            new Event("registration-timeout").print();
        }

        @Override
        public void onUpdateSuccess(LwM2mServer server, UpdateRequest request) {
            new Event("updated").with("id", request.getRegistrationId()).print();
        }

        @Override
        public void onUpdateFailure(LwM2mServer server, UpdateRequest request, ResponseCode code, String message, Exception cause) {
            failed("update-failed", code, message, cause);
        }

        @Override
        public void onUpdateTimeout(LwM2mServer server, UpdateRequest request) {
            new Event("update-timeout").print();
        }

        @Override
        public void onDeregistrationSuccess(LwM2mServer server, DeregisterRequest request) {
            new Event("deregistered").print();
        }

        @Override
        public void onDeregistrationFailure(LwM2mServer server, DeregisterRequest request, ResponseCode code, String message, Exception cause) {
            failed("deregistration-failed", code, message, cause);
        }

        @Override
        public void onBootstrapStarted(LwM2mServer server, BootstrapRequest request) {
            new Event("bootstrapping").print();
        }

        @Override
        public void onBootstrapSuccess(LwM2mServer server, BootstrapRequest request) {
            new Event("bootstrapped").print();
        }

        @Override
        public void onBootstrapFailure(LwM2mServer server, BootstrapRequest request, ResponseCode code, String message, Exception cause) {
            failed("bootstrap-failed", code, message, cause);
        }

        @Override
        public void onBootstrapTimeout(LwM2mServer server, BootstrapRequest request) {
            new Event("bootstrap-timeout").print();
        }

        @Override
        public void onUnexpectedError(Throwable error) {
            new Event("unexpected-error").with("message", error.toString()).print();
        }
    }

    private Client() {
    }
}
