package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/otelcol-ml/otelcol-ml/examples/demo/collector"
	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestOpenNetwork sends with right, wrong, expired and missing credentials to otelcol.yaml with the files of
// deploy/open-network, over gRPC and HTTP. Nothing passes either without the right ones, and none is in the log.
func TestOpenNetwork(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	cert, key := ours.files(t, dir, "server", time.Hour)
	const token, password = "a-token-of-the-senders", "a-password-of-the-senders"
	tokenFile, htpasswd := filepath.Join(dir, "token"), filepath.Join(dir, "htpasswd")
	require.NoError(t, os.WriteFile(tokenFile, []byte(token), 0o600))
	require.NoError(t, os.WriteFile(htpasswd, []byte("gateway:"+password+"\n"), 0o600))
	ca := filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(ca, ours.pem, 0o600))

	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(ours.pem)
	secure := func(certificates ...tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: trust, Certificates: certificates, MinVersion: tls.VersionTLS12}
	}
	basic := func(name, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
	}
	type sender struct {
		tls    *tls.Config // nil: without TLS
		header string
	}
	for _, way := range []struct {
		file  string
		right sender
		wrong map[string]sender
	}{
		{"client-certificates.yaml", sender{tls: secure(ours.client(t, time.Hour))}, map[string]sender{
			"no TLS":                       {},
			"no certificate":               {tls: secure()},
			"certificate of somebody else": {tls: secure(others.client(t, time.Hour))},
			"certificate that has expired": {tls: secure(ours.client(t, -time.Minute))},
		}},
		{"bearer.yaml", sender{secure(), "Bearer " + token}, map[string]sender{
			"no TLS":      {header: "Bearer " + token},
			"no token":    {tls: secure()},
			"empty token": {secure(), "Bearer "},
			"wrong token": {secure(), "Bearer " + token + "x"},
			"other way":   {secure(), basic("gateway", token)},
		}},
		{"basic.yaml", sender{secure(), basic("gateway", password)}, map[string]sender{
			"no TLS":         {header: basic("gateway", password)},
			"no password":    {tls: secure()},
			"empty password": {secure(), basic("gateway", "")},
			"wrong password": {secure(), basic("gateway", password+"x")},
			"wrong name":     {secure(), basic("someone", password)},
		}},
	} {
		t.Run(way.file, func(t *testing.T) {
			t.Parallel()
			options := stack.CollectorOptions(t, stack.Root(t, "deploy/open-network/tls.yaml"), stack.Root(t, "deploy/open-network/"+way.file))
			options.Env = append(options.Env, "OTELCOL_ML_TLS_CERT="+cert, "OTELCOL_ML_TLS_KEY="+key, "OTELCOL_ML_TLS_CLIENT_CA="+ca,
				"OTELCOL_ML_TOKEN_FILE="+tokenFile, "OTELCOL_ML_HTPASSWD="+htpasswd)
			running := stack.StartCollector(t, options)
			for name, s := range way.wrong {
				assert.Error(t, sendGRPC(running, s.tls, s.header), "%s, gRPC", name)
				assert.NotEqual(t, http.StatusOK, sendHTTP(running, s.tls, s.header), "%s, HTTP", name)
			}
			require.NoError(t, sendGRPC(running, way.right.tls, way.right.header))
			require.Equal(t, http.StatusOK, sendHTTP(running, way.right.tls, way.right.header))
			telemetry, err := running.Telemetry(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 2, telemetry.Sum("otelcol_receiver_accepted_spans"))
			for _, secret := range []string{token, password, base64.StdEncoding.EncodeToString([]byte("gateway:" + password))} {
				require.NotContains(t, running.Log(), secret)
			}
		})
	}
}

func aSpan() ptrace.Traces { return oneSpan(routineID(), 1, func(ptrace.Span) {}) }

func sendGRPC(running *collector.Collector, config *tls.Config, header string) error {
	transport := insecure.NewCredentials()
	if config != nil {
		transport = credentials.NewTLS(config)
	}
	conn, err := grpc.NewClient(running.Addresses.GRPC, grpc.WithTransportCredentials(transport))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), stack.Patience)
	defer cancel()
	if header != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", header)
	}
	_, err = ptraceotlp.NewGRPCClient(conn).Export(ctx, ptraceotlp.NewExportRequestFromTraces(aSpan()))
	return err
}

func sendHTTP(running *collector.Collector, config *tls.Config, header string) int {
	scheme := "http"
	if config != nil {
		scheme = "https"
	}
	body, err := ptraceotlp.NewExportRequestFromTraces(aSpan()).MarshalProto()
	if err != nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), stack.Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+"://"+running.Addresses.HTTP+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	if header != "" {
		r.Header.Set("Authorization", header)
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	defer client.CloseIdleConnections()
	response, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// authority signs certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(signed)
	require.NoError(t, err)
	return &authority{key, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})}
}

// sign returns a certificate for localhost that is valid for so long, and its key, in PEM.
func (a *authority) sign(t *testing.T, valid time.Duration) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

func (a *authority) files(t *testing.T, dir, name string, valid time.Duration) (certFile, keyFile string) {
	t.Helper()
	cert, key := a.sign(t, valid)
	certFile, keyFile = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	require.NoError(t, os.WriteFile(certFile, cert, 0o600))
	require.NoError(t, os.WriteFile(keyFile, key, 0o600))
	return certFile, keyFile
}

func (a *authority) client(t *testing.T, valid time.Duration) tls.Certificate {
	t.Helper()
	cert, key := a.sign(t, valid)
	pair, err := tls.X509KeyPair(cert, key)
	require.NoError(t, err)
	return pair
}
