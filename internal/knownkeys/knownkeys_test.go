package knownkeys

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

type base struct {
	Enabled bool `mapstructure:"enabled"`
}

type inner struct {
	base  `mapstructure:",squash"`
	Ratio float64       `mapstructure:"ratio"`
	Wait  time.Duration `mapstructure:"wait"`
	Count int           `mapstructure:"count"`
}

type config struct {
	Inner  inner            `mapstructure:"inner"`
	Maybe  *inner           `mapstructure:"maybe"`
	List   []inner          `mapstructure:"list"`
	ByName map[string]inner `mapstructure:"by_name"`
	Any    map[string]any   `mapstructure:"any"`
	// Not a setting.
	Hidden int `mapstructure:"-"`
}

func (c *config) Unmarshal(conf *confmap.Conf) error { return Unmarshal(conf, c) }

func TestUnmarshal(t *testing.T) {
	for name, test := range map[string]struct {
		yaml string
		says []string
	}{
		"nothing":            {"{}", nil},
		"every kind":         {"{inner: {enabled: true, ratio: 2}, maybe: {ratio: 1}, list: [{ratio: 3}], by_name: {a.b: {ratio: 4}}, any: {x: {y: 1}}}", nil},
		"a block left empty": {"{inner: , list: , by_name: {a: }}", nil},
		"at the top":         {"{iner: {}}", []string{"iner: there is no such key, must be one of any, by_name, inner, list, maybe"}},
		"hidden":             {"{Hidden: 1}", []string{"Hidden: there is no such key"}},
		"in a block":         {"{inner: {rato: 1}}", []string{"inner::rato: there is no such key, must be one of count, enabled, ratio, wait"}},
		"behind a pointer":   {"{maybe: {rato: 1}}", []string{"maybe::rato: there is no such key, must be one of count, enabled, ratio, wait"}},
		"in a list":          {"{list: [{ratio: 1}, {rato: 1}]}", []string{"list[1]::rato: there is no such key"}},
		"under a name":       {"{by_name: {a.b: {rato: 1}}}", []string{"by_name::a.b::rato: there is no such key"}},
		"two":                {"{inner: {rato: 1, enable: true}}", []string{"inner::rato", "inner::enable"}},
		"text for a number":  {"{inner: {ratio: high}}", []string{`inner::ratio: found "high", must be a number`}},
		"bool for a count":   {"{list: [{count: true}]}", []string{`list[0]::count: found true, must be a whole number`}},
		"part of a count":    {"{inner: {count: 1.5}}", []string{`inner::count: found 1.5, must be a whole number`}},
		"text for a time":    {"{inner: {wait: long}}", []string{`inner::wait: found "long", must be a duration such as 300ms or 10s`}},
		"number for a bool":  {"{inner: {enabled: 1}}", []string{`inner::enabled: found 1, must be true or false`}},
		"times and numbers":  {"{inner: {wait: 10s, ratio: 1, count: 2, enabled: false}, list: [{count: 2.0}]}", nil},
		"another mistake":    {"{inner: [1]}", []string{"inner"}},
	} {
		t.Run(name, func(t *testing.T) {
			retrieved, err := confmap.NewRetrievedFromYAML([]byte(test.yaml))
			require.NoError(t, err)
			conf, err := retrieved.AsConf()
			require.NoError(t, err)
			err = conf.Unmarshal(&config{})
			if test.says == nil {
				require.NoError(t, err)
			}
			for _, text := range test.says {
				assert.ErrorContains(t, err, text)
			}
		})
	}
}

func TestValuesArrive(t *testing.T) {
	conf := confmap.NewFromStringMap(map[string]any{
		"inner": map[string]any{"ratio": 2},
		"list":  []any{map[string]any{"enabled": true}},
	})
	c := config{Inner: inner{base: base{Enabled: true}}}
	require.NoError(t, conf.Unmarshal(&c))
	assert.Equal(t, inner{base: base{true}, Ratio: 2}, c.Inner)
	assert.Equal(t, []inner{{base: base{true}}}, c.List)
}
