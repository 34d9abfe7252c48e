package peers.leshan2;

import java.util.ArrayList;
import java.util.List;

import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel.Type;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.util.datatype.ULong;

/** The object definitions of both programs, and how the commands write values of each type. */
final class Models {
    static List<ObjectModel> client() throws Exception {
        return withOurs(ObjectLoader.loadDefault());
    }

    static List<ObjectModel> server() throws Exception {
        return withOurs(ObjectLoader.loadAllDefault());
    }

    private static List<ObjectModel> withOurs(List<ObjectModel> models) throws Exception {
        List<ObjectModel> all = new ArrayList<>(models);
        all.addAll(ObjectLoader.loadDdfResources("/models/", new String[] { "3303.xml", "31024.xml" }));
        return all;
    }

    /** Reads a value as text: an opaque in hexadecimal, a time in seconds, an object link as "object:instance". */
    static Object parse(Type type, String text) {
        switch (type) {
        case INTEGER:
            return Long.valueOf(text);
        case UNSIGNED_INTEGER:
            return ULong.valueOf(text);
        case FLOAT:
            return Double.valueOf(text);
        case BOOLEAN:
            return text.equals("true") || text.equals("1");
        case OPAQUE:
            return java.util.HexFormat.of().parseHex(text);
        case TIME:
            return new java.util.Date(Long.parseLong(text) * 1000);
        case OBJLNK:
            String[] ids = text.split(":");
            return new ObjectLink(Integer.parseInt(ids[0]), Integer.parseInt(ids[1]));
        default:
            return text;
        }
    }

    private Models() {
    }
}
