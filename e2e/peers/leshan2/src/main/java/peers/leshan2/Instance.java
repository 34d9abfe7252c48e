package peers.leshan2;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.eclipse.leshan.client.resource.BaseInstanceEnabler;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mMultipleResource;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mSingleResource;
import org.eclipse.leshan.core.request.argument.Arguments;
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
        ResourceModel model = getModel().resources.get(id);
        with(id, model.type, Models.parse(model.type, text));
        fireResourceChange(id);
    }

    private String path(int resource) {
        return "/" + object + "/" + getId() + "/" + resource;
    }

    @Override
    public synchronized ReadResponse read(LwM2mServer server, int id) {
        LwM2mResource r = resources.get(id);
        return r == null ? ReadResponse.notFound() : ReadResponse.success(r);
    }

    @Override
    public ObserveResponse observe(LwM2mServer server, int id) {
        new Event("observed").with("path", path(id)).print();
        return super.observe(server, id);
    }

    @Override
    public synchronized WriteResponse write(LwM2mServer server, boolean replace, int id, LwM2mResource value) {
        ResourceModel model = getModel().resources.get(id);
        if (model == null || !model.operations.isWritable()) {
            return model == null ? WriteResponse.notFound() : WriteResponse.methodNotAllowed();
        }
        resources.put(id, value);
        new Event("written").with("path", path(id)).with("value", Nodes.value(value)).with("replace", replace).print();
        fireResourceChange(id);
        return WriteResponse.success();
    }

    @Override
    public ExecuteResponse execute(LwM2mServer server, int id, Arguments arguments) {
        ResourceModel model = getModel().resources.get(id);
        if (model == null || !model.operations.isExecutable()) {
            return model == null ? ExecuteResponse.notFound() : ExecuteResponse.methodNotAllowed();
        }
        new Event("executed").with("path", path(id)).with("arguments", arguments == null || arguments.isEmpty() ? "" : arguments.serialize()).print();
        return ExecuteResponse.success();
    }

    @Override
    public synchronized void reset(int id) {
        resources.remove(id);
    }

    @Override
    public void onDelete(LwM2mServer server) {
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
