import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Scanner;
import org.eclipse.californium.elements.AddressEndpointContext;
import org.eclipse.californium.elements.RawData;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.SingleNodeConnectionIdGenerator;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.californium.scandium.dtls.pskstore.AdvancedSinglePskStore;

/**
 * A peer for the tests of package dtls, on Scandium 2: connection IDs of the draft, no extended master
 * secret. A line of standard input is a task, a line of output what
 * happened:
 * "client PORT SUITE CIDLENGTH EMS" connects, says hello, and prints what it receives;
 * "server PORT SUITE CIDLENGTH EMS" listens and echoes;
 * "again" lets the last client resume its session and say hello again.
 */
public class Scandium {
	public static void main(String[] args) throws Exception {
		System.out.println("up");
		DTLSConnector last = null;
		InetSocketAddress peer = null;
		for (Scanner in = new Scanner(System.in); in.hasNextLine();) {
			String[] w = in.nextLine().split(" ");
			if (w[0].equals("again")) {
				last.forceResumeAllSessions();
				hello(last, peer, "hello again from scandium");
				continue;
			}
			if (last != null) {
				last.destroy();
			}
			boolean client = w[0].equals("client");
			peer = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(w[1]));
			DtlsConnectorConfig.Builder b = new DtlsConnectorConfig.Builder();
			if (client) {
				b.setClientOnly();
			} else {
				b.setServerOnly(true);
			}
			b.setRecommendedCipherSuitesOnly(false);
			b.setSupportedCipherSuites(CipherSuite.getTypeByName(w[2]));
			b.setRetransmissionTimeout(300);
			b.setConnectionIdGenerator(new SingleNodeConnectionIdGenerator(Integer.parseInt(w[3])));
			b.setAdvancedPskStore(new AdvancedSinglePskStore("urn:imei:123", "0123456789abcdef".getBytes()));
			b.setAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), client ? 0 : peer.getPort()));
			DTLSConnector connector = new DTLSConnector(b.build());
			connector.setRawDataReceiver(raw -> {
				System.out.println("received " + new String(raw.getBytes()));
				if (!client) {
					connector.send(RawData.outbound(raw.getBytes(), raw.getEndpointContext(), null, false));
				}
			});
			connector.start();
			last = connector;
			System.out.println("ready");
			if (client) {
				hello(connector, peer, "hello from scandium");
			}
		}
		System.exit(0);
	}

	static void hello(DTLSConnector connector, InetSocketAddress peer, String text) {
		connector.send(RawData.outbound(text.getBytes(), new AddressEndpointContext(peer), null, false));
	}
}
