package knownkeys

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
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
	Name   string           `mapstructure:"name"`
	Names  []string         `mapstructure:"names"`
	Bounds []float64        `mapstructure:"bounds"`
	ID     component.ID     `mapstructure:"id"`
	Value  any              `mapstructure:"value"`
	// Not a setting.
	Hidden int `mapstructure:"-"`
}

func (c *config) Unmarshal(conf *confmap.Conf) error { return Unmarshal(conf, c) }

func TestUnder(t *testing.T) {
	about := Under("rules[0]", errors.New("found no match, must have one"))
	assert.EqualError(t, about, "rules[0]: found no match, must have one")
	assert.EqualError(t, Under("dialects[1]", about), "dialects[1]::rules[0]: found no match, must have one")
}

func TestUnmarshal(t *testing.T) {
	for name, test := range map[string]struct {
		yaml string
		says []string
	}{
		"nothing":            {"{}", nil},
		"every kind":         {"{inner: {enabled: true, ratio: 2}, maybe: {ratio: 1}, list: [{ratio: 3}], by_name: {a.b: {ratio: 4}}, any: {x: {y: 1}}}", nil},
		"a block left empty": {"{inner: , list: , by_name: {a: }}", nil},
		"at the top":         {"{iner: {}}", []string{"iner: found an unknown key, must be one of any, bounds, by_name, id, inner, list, maybe, name, names, value"}},
		"hidden":             {"{Hidden: 1}", []string{"Hidden: found an unknown key"}},
		"in a block":         {"{inner: {rato: 1}}", []string{"inner::rato: found an unknown key, must be one of count, enabled, ratio, wait"}},
		"behind a pointer":   {"{maybe: {rato: 1}}", []string{"maybe::rato: found an unknown key, must be one of count, enabled, ratio, wait"}},
		"in a list":          {"{list: [{ratio: 1}, {rato: 1}]}", []string{"list[1]::rato: found an unknown key"}},
		"under a name":       {"{by_name: {a.b: {rato: 1}}}", []string{"by_name::a.b::rato: found an unknown key"}},
		"two":                {"{inner: {rato: 1, enable: true}}", []string{"inner::rato", "inner::enable"}},
		"text for a number":  {"{inner: {ratio: high}}", []string{`inner::ratio: found "high", must be a number`}},
		"bool for a count":   {"{list: [{count: true}]}", []string{`list[0]::count: found true, must be a whole number`}},
		"part of a count":    {"{inner: {count: 1.5}}", []string{`inner::count: found 1.5, must be a whole number`}},
		"text for a time":    {"{inner: {wait: long}}", []string{`inner::wait: found "long", must be a duration such as 300ms or 10s`}},
		"number for a bool":  {"{inner: {enabled: 1}}", []string{`inner::enabled: found 1, must be true or false`}},
		"times and numbers":  {"{inner: {wait: 10s, ratio: 1, count: 2, enabled: false}, list: [{count: 2.0}]}", nil},
		"list for a block":   {"{inner: [1]}", []string{"inner: found a list, must be a block with some of the keys count, enabled, ratio, wait"}},
		"bool for a block":   {"{maybe: false}", []string{"maybe: found false, must be a block with some of the keys count, enabled, ratio, wait"}},
		"text in a list":     {"{list: [{}, ratio]}", []string{`list[1]: found "ratio", must be a block with some of the keys count, enabled, ratio, wait`}},
		"block for a list":   {"{list: {ratio: 1}}", []string{"list: found a block of keys, must be a list, each entry a block with some of the keys count, enabled, ratio, wait"}},
		"number for a list":  {"{bounds: 5}", []string{"bounds: found 5, must be a list, each entry a number"}},
		"text for a list":    {"{bounds: few}", []string{`bounds: found "few", must be a list, each entry a number`}},
		"text in numbers":    {"{bounds: [1, few]}", []string{`bounds[1]: found "few", must be a number`}},
		"list for names":     {"{by_name: [a]}", []string{"by_name: found a list, must be a block of names, under each a block with some of the keys count, enabled, ratio, wait"}},
		"text under a name":  {"{by_name: {a: b}}", []string{`by_name::a: found "b", must be a block with some of the keys`}},
		"text for names":     {"{any: b}", []string{`any: found "b", must be a block of names and values, such as {name: value}`}},
		"block for text":     {"{name: {a: b}}", []string{"name: found a block of keys, must be text"}},
		"list for text":      {"{id: [a]}", []string{"id: found a list, must be text"}},
		"block for a number": {"{inner: {ratio: {a: b}, count: [1], wait: {}}}", []string{"inner::ratio: found a block of keys, must be a number", "inner::count: found a list, must be a whole number", "inner::wait: found a block of keys, must be a duration"}},
		"number for text":    {"{name: 1.5, names: [true]}", []string{"name: found 1.5, must be text; put it in quotes", "names[0]: found true, must be text; put it in quotes"}},
		"text that fits":     {"{name: a, names: [b], id: a/b, bounds: [1, 2.5], value: [1]}", nil},
		"text with commas":   {"{names: 'a,b'}", nil},
		"the decoder's own":  {"{id: a/}", []string{"id"}},
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

// given is a provider of one text for each name, as the environment is.
type given map[string]string

func (g given) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	return confmap.NewRetrievedFromYAML([]byte(g[strings.TrimPrefix(uri, "given:")]))
}
func (given) Scheme() string                 { return "given" }
func (given) Shutdown(context.Context) error { return nil }

// TestTextFromTheEnvironment has numbers in the place of text. Their text is known, so they are no mistake.
func TestTextFromTheEnvironment(t *testing.T) {
	values := given{"number": "0123", "config": "{name: '${given:number}', names: ['${given:number}']}"}
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs: []string{"given:config"},
		ProviderFactories: []confmap.ProviderFactory{
			confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return values }),
		},
	})
	require.NoError(t, err)
	conf, err := resolver.Resolve(t.Context())
	require.NoError(t, err)
	var c config
	require.NoError(t, conf.Unmarshal(&c))
	assert.Equal(t, "0123", c.Name)
	assert.Equal(t, []string{"0123"}, c.Names)
}

func TestRemain(t *testing.T) {
	type shared struct {
		Name   string                    `mapstructure:"name"`
		Others map[string]map[string]any `mapstructure:",remain"`
	}
	type config struct {
		shared `mapstructure:",squash"`
		Number int `mapstructure:"number"`
	}
	unmarshal := func(settings map[string]any) error {
		return Unmarshal(confmap.NewFromStringMap(settings), &config{})
	}
	assert.NoError(t, unmarshal(map[string]any{"name": "x", "number": 1, "any": map[string]any{"a": 1}}))
	assert.EqualError(t, unmarshal(map[string]any{"any": 5}), "any: found 5, must be a block of names and values, such as {name: value}")
	assert.EqualError(t, unmarshal(map[string]any{"number": "x"}), `number: found "x", must be a whole number`)
}
