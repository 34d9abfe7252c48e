package peers.leshan1;

import java.util.ArrayList;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.eclipse.leshan.client.resource.BaseInstanceEnabler;
import org.eclipse.leshan.client.servers.ServerIdentity;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.ObserveResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.WriteResponse;

import peers.common.Event;

/** An object instance that keeps values and prints what a server does with them. */
public class Instance extends BaseInstanceEnabler {
    private final Map<Integer, LwM2mResource> resources = new TreeMap<>();
    private final int object;

    Instance(int object, int id) {
        super(id);
        this.object = object;
    }

    Instance with(int id, Type type, Object value) {
        resources.put(id, LwM2mSingleResource.newResource(id, value, type));
        return this;
    }

    Instance with(int id, Type type, Map<Integer, ?> values) {
        resources.put(id, LwM2mMultipleResource.newResource(id, values, type));
        return this;
    }

    /** Changes a value from inside the device. */
    synchronized void set(int id, String text) {
        Type type = getModel().resources.get(id).type;
        Object value = switch (type) {
        case INTEGER -> Long.valueOf(text);
        case FLOAT -> Double.valueOf(text);
        case BOOLEAN -> text.equals("true") || text.equals("1");
        case TIME -> new Date(Long.parseLong(text) * 1000);
        case OPAQUE -> HexFormat.of().parseHex(text);
        default -> text;
        };
        with(id, type, value);
        fireResourcesChange(id);
    }

    private String path(int resource) {
        return "/" + object + "/" + getId() + "/" + resource;
    }

    @Override
    public synchronized ReadResponse read(ServerIdentity server, int id) {
        LwM2mResource r = resources.get(id);
        return r == null ? ReadResponse.notFound() : ReadResponse.success(r);
    }

    @Override
    public ObserveResponse observe(ServerIdentity server, int id) {
        new Event("observed").with("path", path(id)).print();
        return super.observe(server, id);
    }

    @Override
    public synchronized WriteResponse write(ServerIdentity server, int id, LwM2mResource value) {
        ResourceModel model = getModel().resources.get(id);
        if (model == null || !model.operations.isWritable()) {
            return model == null ? WriteResponse.notFound() : WriteResponse.methodNotAllowed();
        }
        resources.put(id, value);
        new Event("written").with("path", path(id)).with("value", value.isMultiInstances() ? value.getValues() : value.getValue()).print();
        fireResourcesChange(id);
        return WriteResponse.success();
    }

    @Override
    public ExecuteResponse execute(ServerIdentity server, int id, String arguments) {
        ResourceModel model = getModel().resources.get(id);
        if (model == null || !model.operations.isExecutable()) {
            return model == null ? ExecuteResponse.notFound() : ExecuteResponse.methodNotAllowed();
        }
        new Event("executed").with("path", path(id)).with("arguments", arguments == null ? "" : arguments).print();
        return ExecuteResponse.success();
    }

    @Override
    public synchronized void reset(int id) {
        resources.remove(id);
    }

    @Override
    public void onDelete(ServerIdentity server) {
        new Event("deleted").with("path", "/" + object + "/" + getId()).print();
    }

    @Override
    public synchronized List<Integer> getAvailableResourceIds(ObjectModel model) {
        List<Integer> ids = new ArrayList<>();
        for (ResourceModel r : model.resources.values()) {
            if (resources.containsKey(r.id) || r.operations.isExecutable()) {
                ids.add(r.id);
            }
        }
        ids.sort(null);
        return ids;
    }
}
