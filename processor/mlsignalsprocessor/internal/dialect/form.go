// Package dialect holds the YAML form of dialects: which spans a rule matches,
// what it reads, and which attribute of the vocabulary it sets. Built-in and
// custom dialects have the same form.
//
// Parse reads and checks a dialect in a file. Dialects that are part of the
// configuration are decoded by the collector: call CheckYAML with the settings
// before, and Problems after decoding. Package rules compiles valid dialects.
// A Dialect is not changed after that and may be read concurrently.
package dialect

// Dialect describes the spans of one system.
type Dialect struct {
	// Name is the name of the dialect in the setting `dialects`.
	Name string `mapstructure:"name"`
	// Title is the name of the system, as its makers write it.
	Title string `mapstructure:"title"`
	// About says in a few sentences what is derived and what cannot be.
	About string `mapstructure:"about"`
	// Versions are the versions of the system that the rules were written for.
	Versions string `mapstructure:"versions"`
	// Sources are files, pages or pull requests that define the format.
	Sources []string `mapstructure:"sources"`
	// Rules apply in the order of their specificity, not in this order.
	Rules []Rule `mapstructure:"rules"`
}

// Rule describes one kind of span.
type Rule struct {
	// Name is unique in the dialect.
	Name string `mapstructure:"name"`
	// Match says which spans the rule applies to. All of its conditions must hold.
	Match Match `mapstructure:"match"`
	// LeaveAlone excludes spans that other rules would match by mistake: no less
	// specific rule of any dialect applies to them.
	LeaveAlone bool `mapstructure:"leave_alone"`
	// Stage of the spans.
	Stage string `mapstructure:"stage"`
	// StageFrom finds the stage in a task's name.
	StageFrom *StageFrom `mapstructure:"stage_from"`
	// Set adds attributes that the span does not have. Of several entries for
	// one attribute, the first that finds a value is used.
	Set []Assignment `mapstructure:"set"`
	// Signals are set on every span that the rule applies to. They are written without the prefix ml.signal.
	Signals []string `mapstructure:"signals"`
	// ColdStart marks the spans as the load or initialisation of a component.
	ColdStart *ColdStart `mapstructure:"cold_start"`
	// WaitOnly is for spans with a queue wait whose forward pass is on another
	// span: a wait without forward pass then does not set ml.signal.queue_bound.
	WaitOnly bool `mapstructure:"wait_only"`
	// Attempts defines which calls count as attempts at the same: FailedSiblings or ChildCalls.
	Attempts string `mapstructure:"attempts"`
	// Join derives values from two spans.
	Join *Join `mapstructure:"join"`
	// Call is for spans of calls of a model by a client, for which other instrumentations may have a span too. Of nested
	// spans only one counts as the call. On the others the rule sets nothing but token counts that no other span has.
	Call bool `mapstructure:"call"`
	// Lookup is for spans that read a cache or a database: CacheLookup or DatabaseLookup. A database read that follows a
	// cache read under the same parent is a fallback. Its time is added to ml.features.db_lookup_ms of the nearest
	// ancestor that is feature extraction, or else of the span with which the request entered the service.
	Lookup string `mapstructure:"lookup"`
}

// The values of Rule.Lookup.
const (
	CacheLookup    = "cache"
	DatabaseLookup = "database"
)

// Match is a set of conditions, all of which must hold. A list holds if one of
// its entries holds.
type Match struct {
	// SpanNames are exact, or have one * at the beginning, at the end, or both.
	SpanNames []string `mapstructure:"span_names"`
	// AnySpelling are names of spans, compared without case and word separators:
	// data-ingestion matches data_ingestion, DataIngestion and "data ingestion" too.
	AnySpelling []string `mapstructure:"any_spelling"`
	// Scopes are names of instrumentation scopes, with a * like SpanNames.
	Scopes []string `mapstructure:"scopes"`
	// Kinds are span kinds: internal, server, client, producer, consumer.
	Kinds []string `mapstructure:"kinds"`
	// Attributes maps the key of a span attribute to what its value must be:
	// "*" (any value), a value, a list of values, or {min: n, max: n}.
	Attributes map[string]any `mapstructure:"attributes"`
	// AttributePatterns maps the key of a span attribute to patterns like those of
	// SpanNames, one of which must match its text.
	AttributePatterns map[string][]string `mapstructure:"attribute_patterns"`
	// AnyAttribute lists keys, one of which the span must have.
	AnyAttribute []string `mapstructure:"any_attribute"`
	// AnyOf is like Attributes, but one of the conditions is enough: for a key that was renamed.
	AnyOf map[string]any `mapstructure:"any_of"`
	// Without lists keys that the span must not have.
	Without []string `mapstructure:"without"`
	// ResourceAttributes is like Attributes, for the resource.
	ResourceAttributes map[string]any `mapstructure:"resource_attributes"`
	// Events lists names of span events, one of which the span must have.
	Events []string `mapstructure:"events"`
	// EventAttributes is like Attributes, for one of the Events. All conditions must hold for the same event.
	EventAttributes map[string]any `mapstructure:"event_attributes"`
}

// Assignment reads a value and writes it to an attribute of the vocabulary.
type Assignment struct {
	// To is the key of the attribute.
	To     string `mapstructure:"to"`
	Source `mapstructure:",squash"`
}

// Source is where a value comes from: exactly one of Attribute,
// ResourceAttribute, CountEvents, SpanDuration, Gap and Value.
type Source struct {
	// Attribute is the key of a span attribute, or with Event of an attribute of that event.
	Attribute string `mapstructure:"attribute"`
	// OnlyIf is like Match.Attributes: the value is read if all conditions hold. These conditions are only evaluated when
	// the rule applies, which is cheaper for keys that most spans have.
	OnlyIf map[string]any `mapstructure:"only_if"`
	// Between has two texts. The value is the part of the attribute between the first text and the next occurrence of the
	// second one, or the end: [/v2/models/, /] reads ranker from /v2/models/ranker/infer.
	Between []string `mapstructure:"between"`
	// JSON is the path in an attribute that holds JSON text: a key, keys of nested
	// objects with dots between them, or "." for the whole text.
	JSON string `mapstructure:"json"`
	// Event is the name of the event whose Attribute is read; the first of that name counts.
	Event string `mapstructure:"event"`
	// ResourceAttribute is the key of a resource attribute.
	ResourceAttribute string `mapstructure:"resource_attribute"`
	// CountEvents is the name of the events that are counted.
	CountEvents string `mapstructure:"count_events"`
	// SpanDuration takes the duration of the span.
	SpanDuration bool `mapstructure:"span_duration"`
	// Gap is the time from one point in time to another: start, end, event.NAME,
	// attribute.KEY (a time as text, in RFC 3339), and each of them after "other."
	// in a join.
	Gap []string `mapstructure:"gap"`
	// Value is a constant.
	Value any `mapstructure:"value"`

	// Units of a duration: ns, us, ms, s, or duration for strings such as
	// "1.234567ms". Of several units, the first in which the value is not longer
	// than the span is used; a value that is longer in all of them is invalid.
	// Only whole numbers can be in ns, and only those from 1000 on if there are
	// several units.
	Units []string `mapstructure:"units"`
	// Minus is the key of a span attribute in the same units that is subtracted.
	Minus string `mapstructure:"minus"`
	// Values maps texts of the attribute to values, such as passed to true. Any other text is no value. Numbers of a numeric key are read as they are.
	Values map[string]any `mapstructure:"values"`
	// Times multiplies a number that is not a time: 1000000 to convert MB to bytes.
	Times float64 `mapstructure:"times"`
	// Plus is added to the value, after its unit is applied.
	Plus float64 `mapstructure:"plus"`
	// Unknown lists values that the system writes for an unknown value: numbers, or texts for a string attribute.
	Unknown []any `mapstructure:"unknown"`
}

// StageFrom finds a stage in a name such as train_model or load-features.
type StageFrom struct {
	// Attribute holds the name; the span's own name where it is empty.
	Attribute string `mapstructure:"attribute"`
	// Words maps a word of the name to a stage, before the built-in words.
	Words map[string]string `mapstructure:"words"`
}

// ColdStart defines what was loaded and how long it took.
type ColdStart struct {
	// Component is a fixed name of what is loaded.
	Component string `mapstructure:"component"`
	// ComponentFrom is the key of a span attribute that names what is loaded.
	// Without it and Component the span's name is used.
	ComponentFrom string `mapstructure:"component_from"`
	// Duration of the load; the span's own without it.
	Duration *Source `mapstructure:"duration"`
	// MinMS is the shortest load in ms: shorter spans are not loads.
	MinMS float64 `mapstructure:"min_ms"`
	// InstanceFrom lists keys of span attributes that name the process, for
	// resources that several processes share. The first that the span has is
	// used. If it has none, ml.cold_start.reload is not set.
	InstanceFrom []string `mapstructure:"instance_from"`
	// Reload can be Unknown, for spans of a component that loads different
	// things and does not name them: ml.cold_start.reload is not set. It accepts
	// any value so that Problems can say what to write instead of false.
	Reload any `mapstructure:"reload"`
}

// Join describes a second span that belongs to the span of the rule.
type Join struct {
	// Relation of the other span to this one: parent, sibling or resource.
	Relation string `mapstructure:"relation"`
	// SameResourceAttribute is the key of a resource attribute, for the relation
	// resource: both spans have the same value there. Their traces can differ.
	SameResourceAttribute string `mapstructure:"same_resource_attribute"`
	// OneColdStart is for two spans of the same cold start: the later one is not marked.
	OneColdStart bool `mapstructure:"one_cold_start"`
	// Match selects the other span.
	Match Match `mapstructure:"match"`
	// After requires that the other span ends before this one starts.
	After bool `mapstructure:"after"`
	// Once pairs the other span with one span only, the first that arrives.
	Once bool `mapstructure:"once"`
	// Set is applied to the one of the two spans that arrives later.
	Set []Assignment `mapstructure:"set"`
}
