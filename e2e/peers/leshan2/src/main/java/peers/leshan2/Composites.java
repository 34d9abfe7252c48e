package peers.leshan2;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.eclipse.leshan.core.model.LwM2mModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.LwM2mNode;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.TimestampedLwM2mNodes;
import org.eclipse.leshan.core.observation.CompositeObservation;
import org.eclipse.leshan.core.observation.Observation;
import org.eclipse.leshan.core.request.CancelCompositeObservationRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.ObserveCompositeRequest;
import org.eclipse.leshan.core.request.ReadCompositeRequest;
import org.eclipse.leshan.core.request.WriteCompositeRequest;
import org.eclipse.leshan.core.response.LwM2mResponse;
import org.eclipse.leshan.core.response.ObserveCompositeResponse;
import org.eclipse.leshan.core.response.ReadCompositeResponse;
import org.eclipse.leshan.server.LeshanServer;
import org.eclipse.leshan.server.registration.Registration;

import peers.common.Event;

/**
 * Composite operations of the server: composite-read|composite-observe EP PATH,PATH... [FORMAT], composite-cancel EP PATH,PATH...,
 * composite-write EP PATH=VALUE,PATH=VALUE... [FORMAT].
 */
final class Composites {
    /** Carries out a command, and reports whether it was one of these. */
    static boolean handle(LeshanServer server, Registration reg, String[] w, long timeout) throws Exception {
        if (!w[0].startsWith("composite-")) {
            return false;
        }
        ContentFormat format = w.length > 3 ? ContentFormat.fromName(w[3]) : null;
        LwM2mResponse r;
        switch (w[0]) {
        case "composite-read":
            r = server.send(reg, new ReadCompositeRequest(format, format, w[2].split(",")), timeout);
            break;
        case "composite-observe":
            r = server.send(reg, new ObserveCompositeRequest(format, format, w[2].split(",")), timeout);
            break;
        case "composite-write":
            r = server.send(reg, new WriteCompositeRequest(format, values(server.getModelProvider().getObjectModel(reg), w[2])), timeout);
            break;
        case "composite-cancel":
            r = server.send(reg, new CancelCompositeObservationRequest(find(server, reg, w[2])), timeout);
            break;
        default:
            throw new IllegalArgumentException("unknown command " + w[0]);
        }
        Event e = new Event("response").with("op", w[0]).with("ep", w[1]).with("path", w[2]);
        if (r == null) {
            e.with("timeout", true).print();
            return true;
        }
        e.with("code", r.getCode().getCode()).with("success", r.isSuccess()).with("message", r.getErrorMessage());
        if (r instanceof ObserveCompositeResponse o && o.getContent() != null) {
            e.with("values", values(o.getContent()));
        } else if (r instanceof ReadCompositeResponse c && c.getContent() != null) {
            e.with("values", values(c.getContent()));
        }
        e.print();
        return true;
    }

    private static CompositeObservation find(LeshanServer server, Registration reg, String paths) {
        List<String> want = new ArrayList<>(List.of(paths.split(",")));
        for (Observation o : server.getObservationService().getObservations(reg)) {
            if (o instanceof CompositeObservation c && c.getPaths().stream().map(LwM2mPath::toString).toList().containsAll(want)) {
                return c;
            }
        }
        throw new IllegalArgumentException(paths + " is not observed");
    }

    /** Reads /3/0/14=+01:00,/1/0/1=60. */
    private static Map<String, Object> values(LwM2mModel model, String text) {
        Map<String, Object> all = new HashMap<>();
        for (String pair : text.split(",")) {
            int equals = pair.indexOf('=');
            LwM2mPath p = new LwM2mPath(pair.substring(0, equals));
            var definition = model.getResourceModel(p.getObjectId(), p.getResourceId());
            all.put(p.toString(), Models.parse(definition == null ? Type.STRING : definition.type, pair.substring(equals + 1)));
        }
        return all;
    }

    /** Values by path; a path that has none is not there. */
    static Map<String, Object> values(Map<LwM2mPath, LwM2mNode> nodes) {
        Map<String, Object> all = new TreeMap<>();
        nodes.forEach((path, node) -> {
            if (node != null) {
                all.put(path.toString(), Nodes.value(node));
            }
        });
        return all;
    }

    /** What a Send brings: the newest values, and of all values "PATH=VALUE@SECONDS" where they have a time. */
    static Event sent(String endpoint, TimestampedLwM2mNodes data) {
        List<String> timed = new ArrayList<>();
        for (var at : data.getTimestamps()) {
            if (at != null) {
                values(data.getNodesAt(at)).forEach((path, v) -> timed.add(path + "=" + v + "@" + at.getEpochSecond()));
            }
        }
        String[] sorted = timed.toArray(String[]::new);
        Arrays.sort(sorted);
        return new Event("send").with("ep", endpoint).with("values", values(data.getMostRecentNodes())).with("timed", List.of(sorted));
    }

    private Composites() {
    }
}
