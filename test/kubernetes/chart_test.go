package kubernetes

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/otelcol-ml/otelcol-ml/test/kubernetes/internal/objects"
)

// values are those of the official chart that decide on what runs. The chart itself
// is rendered by `make chart`, for which it has to be at hand.
type values struct {
	Mode              string
	FullnameOverride  string
	ReplicaCount      int
	Image             struct{ Repository, Tag string }
	ConfigMap         struct{ Create *bool }
	Command           struct{ ExtraArgs []string }
	ExtraManifests    []corev1.ConfigMap
	ExtraVolumes      []corev1.Volume
	ExtraVolumeMounts []corev1.VolumeMount
	ExtraEnvs         []corev1.EnvVar
	Resources         corev1.ResourceRequirements
	Service           struct{ ClusterIP string }
	UseGOMEMLIMIT     *bool
	Ports             map[string]struct {
		Enabled       *bool
		ContainerPort int32
	}
}

// TestChartValues: the values files name files of the image and settings that the collector takes.
func TestChartValues(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "deploy/kubernetes/chart/*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, c := range []struct {
		name  string
		files []string
	}{
		{"single", []string{"single"}}, {"samplers", []string{"single", "samplers"}}, {"gateways", []string{"gateways"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var v values
			for _, file := range c.files { // a later file replaces lists and merges maps, as helm does
				readYAML(t, "deploy/kubernetes/chart/"+file+".yaml", &v)
			}
			assert.Equal(t, version(t), v.Image.Tag)
			require.NotNil(t, v.ConfigMap.Create)
			assert.False(t, *v.ConfigMap.Create, "the chart's configuration has components of other distributions")
			assert.False(t, *v.UseGOMEMLIMIT, "the collector sets it itself")
			assert.False(t, v.Resources.Limits.Memory().IsZero())
			for name, port := range v.Ports {
				assert.Equal(t, port.ContainerPort != 0, *port.Enabled, name)
			}

			set := &objects.Set{ConfigMaps: map[string]corev1.ConfigMap{}}
			for _, manifest := range v.ExtraManifests {
				set.ConfigMaps[manifest.Name] = manifest
			}
			validate(t, set, corev1.PodSpec{
				Volumes:    v.ExtraVolumes,
				Containers: []corev1.Container{{Args: v.Command.ExtraArgs, Env: v.ExtraEnvs, VolumeMounts: v.ExtraVolumeMounts}},
			})
		})
	}

	var gateways, samplers values
	readYAML(t, "deploy/kubernetes/chart/gateways.yaml", &gateways)
	readYAML(t, "deploy/kubernetes/chart/samplers.yaml", &samplers)
	assert.Equal(t, corev1.ClusterIPNone, samplers.Service.ClusterIP)
	assert.Contains(t, gateways.ExtraEnvs, corev1.EnvVar{Name: "OTELCOL_ML_SAMPLERS", Value: samplers.FullnameOverride})
}

// operatorCollector has the documented fields of the OpenTelemetry operator's v1beta1
// that the manifest uses; its Go types cannot be had as a module here. Source: the
// custom resource definition of chart opentelemetry-operator 0.122.0.
type operatorCollector struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Image                         string                         `json:"image"`
		Mode                          string                         `json:"mode"` // daemonset, deployment, sidecar or statefulset
		Replicas                      *int32                         `json:"replicas"`
		UpgradeStrategy               string                         `json:"upgradeStrategy"` // automatic or none
		TerminationGracePeriodSeconds *int64                         `json:"terminationGracePeriodSeconds"`
		Resources                     corev1.ResourceRequirements    `json:"resources"`
		PodSecurityContext            *corev1.PodSecurityContext     `json:"podSecurityContext"`
		SecurityContext               *corev1.SecurityContext        `json:"securityContext"`
		Env                           []corev1.EnvVar                `json:"env"`
		VolumeMounts                  []corev1.VolumeMount           `json:"volumeMounts"`
		VolumeClaimTemplates          []corev1.PersistentVolumeClaim `json:"volumeClaimTemplates"`
		Config                        map[string]any                 `json:"config"`
	} `json:"spec"`
}

// TestOperator: the resource has only documented fields, and its configuration is that of otelcol.yaml with the ports written out.
func TestOperator(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/kubernetes/operator/collector.yaml"))
	require.NoError(t, err)
	var c operatorCollector
	require.NoError(t, yaml.UnmarshalStrict(text, &c))
	assert.Equal(t, "opentelemetry.io/v1beta1 OpenTelemetryCollector", c.APIVersion+" "+c.Kind)
	assert.Equal(t, "registry.example.com/otelcol-ml:"+version(t), c.Spec.Image)
	assert.Equal(t, "statefulset none", c.Spec.Mode+" "+c.Spec.UpgradeStrategy)
	assert.Equal(t, int32(1), *c.Spec.Replicas)
	assert.Equal(t, c.Spec.VolumeClaimTemplates[0].Name+" /data", c.Spec.VolumeMounts[0].Name+" "+c.Spec.VolumeMounts[0].MountPath)
	for _, required := range []string{"receivers", "exporters", "service"} {
		assert.Contains(t, c.Spec.Config, required)
	}

	config := filepath.Join(t.TempDir(), "config.yaml")
	written, err := yaml.Marshal(c.Spec.Config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, written, 0o600))
	assert.NotRegexp(t, `(endpoint|host|port): .*\$\{`, string(written), "the operator reads the ports of Services from it")
	assert.Contains(t, string(written), "0.0.0.0:4317")
	runValidate(t, c.Spec.Env, []string{"--config=" + config})
}
