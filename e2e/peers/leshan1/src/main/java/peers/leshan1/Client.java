package peers.leshan1;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.SingleNodeConnectionIdGenerator;
import org.eclipse.leshan.client.californium.LeshanClient;
import org.eclipse.leshan.client.californium.LeshanClientBuilder;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.object.Security;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.observer.LwM2mClientObserverAdapter;
import org.eclipse.leshan.client.resource.LwM2mInstanceEnabler;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.servers.ServerIdentity;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.request.DeregisterRequest;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UpdateRequest;

import peers.common.Commands;
import peers.common.Event;
import peers.common.Flags;

/** A Leshan 1.5 client: an LwM2M 1.0 device with objects 0, 1, 3, 6, 3303 and 31024. */
public final class Client {
    private static final Set<String> FLAGS = Set.of("endpoint", "server", "identity", "key", "cid", "lifetime", "period", "suites", "queue",
            "bootstrap");

    public static void main(String[] args) throws Exception {
        Flags flags = new Flags(args, FLAGS);
        String uri = flags.get("server", "coap://127.0.0.1:5683");
        Map<String, Instance> instances = instances();

        List<ObjectModel> models = new ArrayList<>(ObjectLoader.loadDefault());
        models.addAll(ObjectLoader.loadDdfResources("/models/", new String[] { "3303.xml", "31024.xml" }));
        ObjectsInitializer objects = new ObjectsInitializer(new StaticModel(models));
        boolean bootstrap = flags.get("bootstrap", "off").equals("on");
        if (bootstrap && flags.has("key")) {
            objects.setInstancesForObject(0, Security.pskBootstrap(uri, flags.get("identity", "").getBytes(StandardCharsets.UTF_8),
                    HexFormat.of().parseHex(flags.get("key", ""))));
        } else if (bootstrap) {
            objects.setInstancesForObject(0, Security.noSecBootstap(uri));
        } else if (flags.has("key")) {
            objects.setInstancesForObject(0, Security.psk(uri, 123, flags.get("identity", "").getBytes(StandardCharsets.UTF_8),
                    HexFormat.of().parseHex(flags.get("key", ""))));
        } else {
            objects.setInstancesForObject(0, Security.noSec(uri, 123));
        }
        BindingMode binding = flags.get("queue", "off").equals("on") ? BindingMode.UQ : BindingMode.U;
        if (bootstrap) {
            objects.setClassForObject(1, Server.class);
        } else {
            objects.setInstancesForObject(1, new Server(123, flags.number("lifetime", 300), binding, false));
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

        DtlsConnectorConfig.Builder dtls = new DtlsConnectorConfig.Builder();
        dtls.setRecommendedCipherSuitesOnly(false);
        String cid = flags.get("cid", "off"); // off, or the length of the client's own CID (draft)
        if (!cid.equals("off")) {
            dtls.setConnectionIdGenerator(new SingleNodeConnectionIdGenerator(Integer.parseInt(cid)));
        }
        if (flags.has("suites")) {
            dtls.setSupportedCipherSuites(flags.get("suites", "").split(","));
        }
        DefaultRegistrationEngineFactory engine = new DefaultRegistrationEngineFactory();
        engine.setReconnectOnUpdate(false);
        engine.setResumeOnConnect(true);
        engine.setRetryWaitingTimeInMs(1000);
        if (flags.has("period")) {
            engine.setCommunicationPeriod(flags.number("period", 0));
        }
        LeshanClientBuilder builder = new LeshanClientBuilder(flags.get("endpoint", "leshan1"));
        builder.setLocalAddress(null, 0);
        builder.setObjects(objects.createAll());
        builder.setDtlsConfig(dtls);
        builder.setRegistrationEngineFactory(engine);
        builder.setCoapConfig(LeshanClientBuilder.createDefaultNetworkConfig());
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
            case "stop": // deregisters first
                deregister[0] = true;
                return false;
            default:
                throw new IllegalArgumentException("unknown command; known are set, update, stop, quit");
            }
        });
        client.destroy(deregister[0]);
        new Event("stopped").print();
        System.exit(0);
    }

    /** The device's objects with their first values, by path. */
    private static Map<String, Instance> instances() {
        Map<String, Instance> all = new LinkedHashMap<>();
        all.put("/3/0", new Instance(3, 0).with(0, Type.STRING, "Eclipse Leshan").with(1, Type.STRING, "Leshan 1 peer")
                .with(2, Type.STRING, "L1-0001").with(3, Type.STRING, "1.5.0").with(6, Type.INTEGER, Map.of(0, 1L, 1, 5L))
                .with(7, Type.INTEGER, Map.of(0, 3800L, 1, 5000L)).with(8, Type.INTEGER, Map.of(0, 125L, 1, 900L)).with(9, Type.INTEGER, 85L)
                .with(10, Type.INTEGER, 2048L).with(11, Type.INTEGER, Map.of(0, 0L)).with(13, Type.TIME, new Date(1767225600000L))
                .with(14, Type.STRING, "+01:00").with(15, Type.STRING, "Europe/Berlin").with(16, Type.STRING, "U"));
        all.put("/6/0", new Instance(6, 0).with(0, Type.FLOAT, 27.986065).with(1, Type.FLOAT, 86.922623).with(2, Type.FLOAT, 8495.0)
                .with(5, Type.TIME, new Date(1767225600000L)));
        all.put("/3303/0", new Instance(3303, 0).with(5700, Type.FLOAT, 20.5).with(5701, Type.STRING, "Cel"));
        for (int i = 0; i < 3; i++) {
            all.put("/31024/" + (10 + i), new Instance(31024, 10 + i).with(1, Type.INTEGER, 20L + i).with(3, Type.FLOAT, -30 + 1.01 * i)
                    .with(5, Type.OPAQUE, new byte[] { 1, 2, 3 }));
        }
        return all;
    }

    /** Prints the life of the registration. */
    private static final class Observer extends LwM2mClientObserverAdapter {
        @Override
        public void onBootstrapSuccess(ServerIdentity server, BootstrapRequest request) {
            new Event("bootstrapped").print();
        }

        @Override
        public void onBootstrapFailure(ServerIdentity server, BootstrapRequest request, ResponseCode code, String message, Exception cause) {
            failed("bootstrap-failed", code, message, cause);
        }

        @Override
        public void onBootstrapTimeout(ServerIdentity server, BootstrapRequest request) {
            new Event("bootstrap-timeout").print();
        }

        private static void failed(String name, ResponseCode code, String message, Exception cause) {
            new Event(name).with("code", code == null ? null : code.getCode()).with("message", message)
                    .with("cause", cause == null ? null : cause.toString()).print();
        }

        @Override
        public void onRegistrationSuccess(ServerIdentity server, RegisterRequest request, String id) {
            new Event("registered").with("id", id).print();
        }

        @Override
        public void onRegistrationFailure(ServerIdentity server, RegisterRequest request, ResponseCode code, String message, Exception cause) {
            failed("registration-failed", code, message, cause);
        }

        @Override
        public void onRegistrationTimeout(ServerIdentity server, RegisterRequest request) {
            new Event("registration-timeout").print();
        }

        @Override
        public void onUpdateSuccess(ServerIdentity server, UpdateRequest request) {
            new Event("updated").with("id", request.getRegistrationId()).print();
        }

        @Override
        public void onUpdateFailure(ServerIdentity server, UpdateRequest request, ResponseCode code, String message, Exception cause) {
            failed("update-failed", code, message, cause);
        }

        @Override
        public void onUpdateTimeout(ServerIdentity server, UpdateRequest request) {
            new Event("update-timeout").print();
        }

        @Override
        public void onDeregistrationSuccess(ServerIdentity server, DeregisterRequest request) {
            new Event("deregistered").print();
        }

        @Override
        public void onDeregistrationFailure(ServerIdentity server, DeregisterRequest request, ResponseCode code, String message, Exception cause) {
            failed("deregistration-failed", code, message, cause);
        }
    }

    private Client() {
    }
}
