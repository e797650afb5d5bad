package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// cluster is etcd and an API server. Nothing runs the pods.
type cluster struct {
	binaries, kubeconfig string
	processes            []*exec.Cmd
}

// config is what kubectl needs to know of a cluster at a port.
const config = `apiVersion: v1
kind: Config
clusters: [{name: here, cluster: {server: "https://127.0.0.1:%s", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: admin}}]
contexts: [{name: here, context: {cluster: here, user: admin}}]
current-context: here
`

// start starts it, on free ports of this machine, and waits until it is ready.
func start(ctx context.Context, binaries, dir string) (*cluster, error) {
	c := &cluster{binaries: binaries, kubeconfig: filepath.Join(dir, "kubeconfig")}
	ports, err := freePorts()
	if err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	keyFile := filepath.Join(dir, "accounts.key")
	for path, text := range map[string][]byte{
		keyFile:                          pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		filepath.Join(dir, "tokens.csv"): []byte("admin,admin,1,system:masters\n"),
		c.kubeconfig:                     fmt.Appendf(nil, config, ports[2]),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, err
		}
	}
	etcd := "http://127.0.0.1:" + ports[0]
	for _, command := range [][]string{
		{
			"etcd", "--data-dir=" + filepath.Join(dir, "etcd"), "--listen-client-urls=" + etcd, "--advertise-client-urls=" + etcd,
			"--listen-peer-urls=http://127.0.0.1:" + ports[1],
		},
		{
			"kube-apiserver", "--etcd-servers=" + etcd, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + ports[2],
			"--cert-dir=" + dir, "--service-account-key-file=" + keyFile, "--service-account-signing-key-file=" + keyFile,
			"--service-account-issuer=https://kubernetes.default.svc", "--token-auth-file=" + filepath.Join(dir, "tokens.csv"),
			"--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=AlwaysAllow",
		},
	} {
		if err := c.run(dir, command); err != nil {
			c.stop()
			return nil, err
		}
	}
	if err := c.ready(ctx, dir); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// run starts a process that writes into a log.
func (c *cluster) run(dir string, command []string) error {
	log, err := os.Create(filepath.Join(dir, command[0]+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(filepath.Join(c.binaries, command[0]), command[1:]...)
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := process.Start(); err != nil {
		return err
	}
	c.processes = append(c.processes, process)
	return nil
}

// ready waits until the API server says so.
func (c *cluster) ready(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for {
		_, err := c.kubectl(ctx, "get", "--raw", "/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(dir, "kube-apiserver.log"))
			return fmt.Errorf("the API server does not start: %w\n%s", err, log)
		case <-again.C:
		}
	}
}

// stop ends the processes, the last one first.
func (c *cluster) stop() {
	for i := len(c.processes) - 1; i >= 0; i-- {
		_ = c.processes[i].Process.Kill()
		_ = c.processes[i].Wait()
	}
	c.processes = nil
}

// freePorts returns three ports that nothing listens on.
func freePorts() (ports [3]string, err error) {
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return ports, err
		}
		defer listener.Close()
		if _, ports[i], err = net.SplitHostPort(listener.Addr().String()); err != nil {
			return ports, err
		}
	}
	return ports, nil
}
