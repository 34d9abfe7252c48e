package peers.leshan2;

import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;

import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.WriteResponse;

import peers.common.Event;

/** Object 5 of a device that is sent its packages: it takes every package, and installs it at once. */
final class Firmware extends Instance {
    private final Instance device;
    private final String version;

    /** version is what 3/0/3 says after an update. */
    Firmware(Instance device, String version) {
        super(5, 0);
        this.device = device;
        this.version = version;
        with(1, Type.STRING, "").with(3, Type.INTEGER, 0L).with(5, Type.INTEGER, 0L).with(8, Type.INTEGER, Map.of(0, 0L)).with(9, Type.INTEGER, 1L);
    }

    private void state(long state, long result) {
        with(3, Type.INTEGER, state).with(5, Type.INTEGER, result);
        fireResourceChange(3);
        fireResourceChange(5);
    }

    @Override
    public synchronized WriteResponse write(LwM2mServer server, boolean replace, int id, LwM2mResource value) {
        if (id == 1) {
            state(0, 0);
            return WriteResponse.success();
        }
        if (id != 0) {
            return WriteResponse.methodNotAllowed();
        }
        byte[] b = (byte[]) value.getValue();
        if (b.length < 2) {
            state(0, 0);
            return WriteResponse.success();
        }
        try {
            new Event("package").with("size", b.length).with("sha256", HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(b))).print();
        } catch (Exception e) {
            return WriteResponse.internalServerError(e.toString());
        }
        state(2, 0);
        return WriteResponse.success();
    }

    @Override
    public synchronized ExecuteResponse execute(LwM2mServer server, int id, Arguments arguments) {
        if (id != 2) {
            return ExecuteResponse.notFound();
        }
        new Event("executed").with("path", "/5/0/2").print();
        device.set(3, version);
        state(0, 1);
        return ExecuteResponse.success();
    }
}
