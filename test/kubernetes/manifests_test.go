package tiers

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// manifests are the objects of deploy/kubernetes, by kind and name.
type manifests struct {
	services     map[string]corev1.Service
	deployments  map[string]appsv1.Deployment
	statefulSets map[string]appsv1.StatefulSet
	budgets      map[string]policyv1.PodDisruptionBudget
}

// readManifests reads the files that the kustomization names, strictly: a field that Kubernetes does not have fails
// the test.
func readManifests(t testing.TB) manifests {
	t.Helper()
	dir := stack.Root(t, "deploy/kubernetes")
	var kustomization struct {
		APIVersion, Kind string
		Resources        []string
		Images           []struct{ Name, NewName, NewTag string }
	}
	text, err := os.ReadFile(filepath.Join(dir, "kustomization.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.UnmarshalStrict(text, &kustomization))

	m := manifests{
		map[string]corev1.Service{}, map[string]appsv1.Deployment{},
		map[string]appsv1.StatefulSet{}, map[string]policyv1.PodDisruptionBudget{},
	}
	for _, file := range kustomization.Resources {
		text, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var of metav1.PartialObjectMetadata
			require.NoError(t, yaml.Unmarshal(document, &of))
			switch of.APIVersion + " " + of.Kind {
			case "v1 Service":
				m.services[of.Name] = strict[corev1.Service](t, document)
			case "apps/v1 Deployment":
				m.deployments[of.Name] = strict[appsv1.Deployment](t, document)
			case "apps/v1 StatefulSet":
				m.statefulSets[of.Name] = strict[appsv1.StatefulSet](t, document)
			case "policy/v1 PodDisruptionBudget":
				m.budgets[of.Name] = strict[policyv1.PodDisruptionBudget](t, document)
			default:
				require.Fail(t, "a kind that this test does not know", "%s in %s", of.Kind, file)
			}
		}
	}
	return m
}

func strict[T any](t testing.TB, document []byte) (object T) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalStrict(document, &object), "%s", document)
	return object
}

// TestKubernetes checks what the manifests say against each other, and against the files and settings they name.
func TestKubernetes(t *testing.T) {
	m := readManifests(t)
	gateway, sampler := m.deployments["otelcol-ml-gateway"], m.statefulSets["otelcol-ml-sampler"]
	require.Len(t, gateway.Spec.Template.Spec.Containers, 1)
	require.Len(t, sampler.Spec.Template.Spec.Containers, 1)

	for name, tier := range map[string]struct {
		selector *metav1.LabelSelector
		pod      corev1.PodTemplateSpec
		service  corev1.Service
		budget   policyv1.PodDisruptionBudget
	}{
		"gateway": {gateway.Spec.Selector, gateway.Spec.Template, m.services["otelcol-ml"], m.budgets["otelcol-ml-gateway"]},
		"sampler": {sampler.Spec.Selector, sampler.Spec.Template, m.services["otelcol-ml-samplers"], m.budgets["otelcol-ml-sampler"]},
	} {
		t.Run(name, func(t *testing.T) {
			labels := tier.pod.Labels
			require.NotEmpty(t, labels)
			assert.Equal(t, labels, tier.selector.MatchLabels)
			assert.Equal(t, labels, tier.service.Spec.Selector)
			assert.Equal(t, labels, tier.budget.Spec.Selector.MatchLabels)

			container := tier.pod.Spec.Containers[0]
			ports := map[string]int32{}
			for _, port := range container.Ports {
				ports[port.Name] = port.ContainerPort
			}
			for _, port := range tier.service.Spec.Ports {
				assert.Equal(t, port.Port, ports[port.TargetPort.String()], "port %s of the service", port.Name)
			}
			assert.Contains(t, ports, container.ReadinessProbe.HTTPGet.Port.String())
			assert.Contains(t, ports, container.LivenessProbe.HTTPGet.Port.String())
			assert.Less(t, container.Lifecycle.PreStop.Sleep.Seconds, *tier.pod.Spec.TerminationGracePeriodSeconds,
				"the pause before the stop is part of the grace period")

			dockerfile, err := os.ReadFile(stack.Root(t, "deploy/container/Dockerfile"))
			require.NoError(t, err)
			for _, arg := range container.Args {
				path := strings.TrimPrefix(arg, "--config=/etc/otelcol-ml/")
				assert.FileExists(t, stack.Root(t, path), arg)
				copied := path
				if path != "otelcol.yaml" {
					copied = filepath.Dir(path)
				}
				assert.Contains(t, string(dockerfile), "COPY "+copied+" /etc/otelcol-ml/"+copied+"\n", "the image has %s", path)
			}
		})
	}

	headless := m.services["otelcol-ml-samplers"]
	assert.Equal(t, corev1.ClusterIPNone, headless.Spec.ClusterIP, "a name that resolves to each sampler")
	assert.Equal(t, headless.Name, sampler.Spec.ServiceName)
	var named string
	for _, env := range gateway.Spec.Template.Spec.Containers[0].Env {
		if env.Name == "OTELCOL_ML_SAMPLERS" {
			named = env.Value
		}
	}
	assert.Equal(t, headless.Name, named, "what the gateways resolve")
	var mounts []string
	for _, mount := range sampler.Spec.Template.Spec.Containers[0].VolumeMounts {
		mounts = append(mounts, mount.Name+" "+mount.MountPath)
	}
	assert.Equal(t, []string{sampler.Spec.VolumeClaimTemplates[0].Name + " /data"}, mounts, "the data folder of the image is on the volume")
}
