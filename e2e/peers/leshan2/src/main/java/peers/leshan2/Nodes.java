package peers.leshan2;

import java.util.Map;
import java.util.TreeMap;

import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mObject;
import org.eclipse.leshan.core.node.LwM2mObjectInstance;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.LwM2mResourceInstance;
import org.eclipse.leshan.core.node.LwM2mRoot;

/** Nodes as what the events show: values, by path below the node. */
final class Nodes {
    /** The value of a resource: a map by instance for a multiple one. */
    static Object value(LwM2mNode node) {
        if (node instanceof LwM2mResourceInstance r) {
            return r.getValue();
        }
        if (node instanceof LwM2mResource r) {
            if (!r.isMultiInstances()) {
                return r.getValue();
            }
            Map<Integer, Object> values = new TreeMap<>();
            r.getInstances().forEach((id, i) -> values.put(id, i.getValue()));
            return values;
        }
        Map<Integer, Object> values = new TreeMap<>();
        if (node instanceof LwM2mObjectInstance i) {
            i.getResources().forEach((id, r) -> values.put(id, value(r)));
        } else if (node instanceof LwM2mObject o) {
            o.getInstances().forEach((id, i) -> values.put(id, value(i)));
        } else if (node instanceof LwM2mRoot root) {
            root.getObjects().forEach((id, o) -> values.put(id, value(o)));
        }
        return node == null ? null : values;
    }

    private Nodes() {
    }
}
