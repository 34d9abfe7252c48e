import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Scanner;
import java.util.concurrent.TimeUnit;
import org.eclipse.californium.elements.AddressEndpointContext;
import org.eclipse.californium.elements.RawData;
import org.eclipse.californium.elements.config.Configuration;
import org.eclipse.californium.elements.util.SslContextUtil;
import org.eclipse.californium.scandium.DTLSConnector;
import org.eclipse.californium.scandium.config.DtlsConfig;
import org.eclipse.californium.scandium.config.DtlsConnectorConfig;
import org.eclipse.californium.scandium.dtls.CertificateType;
import org.eclipse.californium.scandium.dtls.ExtendedMasterSecretMode;
import org.eclipse.californium.scandium.dtls.cipher.CipherSuite;
import org.eclipse.californium.scandium.dtls.pskstore.SinglePskStore;
import org.eclipse.californium.scandium.dtls.x509.SingleCertificateProvider;
import org.eclipse.californium.scandium.dtls.x509.StaticCertificateVerifier;

/**
 * A peer for the tests of package dtls, on Scandium 4. A line of standard input is a task, a line of output what
 * happened:
 * "client PORT SUITE CIDLENGTH EMS" connects, says hello, and prints what it receives;
 * "server PORT SUITE CIDLENGTH EMS" listens and echoes;
 * both with " x509 CERT CA" or " rpk CERT CA" at the end: with a certificate, or its public key, from files in PEM;
 * "again" lets the last client resume its session and say hello again.
 */
public class Scandium {
	public static void main(String[] args) throws Exception {
		System.out.println("up");
		DtlsConfig.register();
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
			DtlsConnectorConfig.Builder b = DtlsConnectorConfig.builder(new Configuration());
			b.set(DtlsConfig.DTLS_ROLE, client ? DtlsConfig.DtlsRole.CLIENT_ONLY : DtlsConfig.DtlsRole.SERVER_ONLY);
			b.set(DtlsConfig.DTLS_RECOMMENDED_CIPHER_SUITES_ONLY, false);
			b.setAsList(DtlsConfig.DTLS_CIPHER_SUITES, CipherSuite.getTypeByName(w[2]));
			b.set(DtlsConfig.DTLS_RETRANSMISSION_TIMEOUT, 300, TimeUnit.MILLISECONDS);
			b.set(DtlsConfig.DTLS_ADDITIONAL_ECC_TIMEOUT, 0, TimeUnit.MILLISECONDS);
			b.set(DtlsConfig.DTLS_CONNECTION_ID_LENGTH, Integer.valueOf(w[3]));
			b.set(DtlsConfig.DTLS_EXTENDED_MASTER_SECRET_MODE,
					w[4].equals("true") ? ExtendedMasterSecretMode.ENABLED : ExtendedMasterSecretMode.NONE);
			if (w.length > 5) {
				SslContextUtil.Credentials own = SslContextUtil.loadCredentials(w[6]);
				if (w[5].equals("rpk")) {
					b.setCertificateIdentityProvider(new SingleCertificateProvider(own.getPrivateKey(), own.getPublicKey()));
					b.setCertificateVerifier(StaticCertificateVerifier.builder().setTrustAllRPKs().build());
				} else {
					b.setCertificateIdentityProvider(
							new SingleCertificateProvider(own.getPrivateKey(), own.getCertificateChain(), CertificateType.X_509));
					b.setCertificateVerifier(StaticCertificateVerifier.builder()
							.setTrustedCertificates(SslContextUtil.loadTrustedCertificates(w[7])).build());
				}
			} else {
				b.setPskStore(new SinglePskStore("urn:imei:123", "0123456789abcdef".getBytes()));
			}
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
