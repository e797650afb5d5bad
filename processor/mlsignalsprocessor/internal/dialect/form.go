// Package dialect is the declarative form in which a serving system's spans
// are described: which spans a rule applies to, what it reads, and which
// attribute of the vocabulary it sets. The built-in dialects and the user's
// own have the same form.
package dialect

// Dialect describes the spans of one system.
type Dialect struct {
	// Name is what the setting `dialects` calls it.
	Name string `mapstructure:"name"`
	// Title is the system's own name for itself.
	Title string `mapstructure:"title"`
	// About tells a user in a few sentences what is derived and what cannot be.
	About string `mapstructure:"about"`
	// Versions says which versions of the system the rules were taken from.
	Versions string `mapstructure:"versions"`
	// Sources are files, pages or pull requests that show the format.
	Sources []string `mapstructure:"sources"`
	// Rules apply in the order of how specific they are, not in this order.
	Rules []Rule `mapstructure:"rules"`
}

// Rule says what one kind of span means.
type Rule struct {
	// Name tells the rule apart from the others of its dialect.
	Name string `mapstructure:"name"`
	// Match says which spans the rule applies to. All of its conditions must hold.
	Match Match `mapstructure:"match"`
	// LeaveAlone: the spans look like something that they are not. No rule that is
	// less specific applies to them, of whichever dialect.
	LeaveAlone bool `mapstructure:"leave_alone"`
	// Stage of the spans.
	Stage string `mapstructure:"stage"`
	// StageFrom finds the stage in a task's name.
	StageFrom *StageFrom `mapstructure:"stage_from"`
	// Set fills attributes that the span does not have yet. Of several entries
	// for one attribute the first that finds a value is used.
	Set []Assignment `mapstructure:"set"`
	// Signals that are true of every span that the rule applies to, without the prefix ml.signal.
	Signals []string `mapstructure:"signals"`
	// ColdStart marks the spans as the load or initialisation of a component.
	ColdStart *ColdStart `mapstructure:"cold_start"`
	// WaitOnly says that the spans show a wait whose compute is on another
	// span: a wait without compute is then no sign of a queue.
	WaitOnly bool `mapstructure:"wait_only"`
	// Attempts says which calls of a model are attempts at the same: FailedSiblings or ChildCalls.
	Attempts string `mapstructure:"attempts"`
	// Join takes values that lie across two spans.
	Join *Join `mapstructure:"join"`
	// Call says that the spans are calls of a model, by a client, that other instrumentations may have a span for too. Of
	// spans within each other one is the call: the others keep what the rule derives to themselves, but for tokens that
	// no other one tells.
	Call bool `mapstructure:"call"`
	// Lookup says that the spans read a cache or a database: CacheLookup or DatabaseLookup. Reads of a database that
	// follow one of a cache under the same parent are a fallback. Their time becomes ml.features.db_lookup_ms of the
	// nearest span above that is feature extraction, or else of the one by which the request entered the service.
	Lookup string `mapstructure:"lookup"`
}

// The values of Rule.Lookup.
const (
	CacheLookup    = "cache"
	DatabaseLookup = "database"
)

// Match is a set of conditions, all of which must hold. A list holds where one
// of its entries does.
type Match struct {
	// SpanNames are exact, or have one * at the beginning, at the end, or both.
	SpanNames []string `mapstructure:"span_names"`
	// AnySpelling are names of spans whose case does not matter, nor what stands between their words:
	// data-ingestion is data_ingestion, DataIngestion and "data ingestion" too.
	AnySpelling []string `mapstructure:"any_spelling"`
	// Scopes are names of instrumentation scopes, as SpanNames.
	Scopes []string `mapstructure:"scopes"`
	// Kinds are span kinds: internal, server, client, producer, consumer.
	Kinds []string `mapstructure:"kinds"`
	// Attributes maps the key of a span attribute to what its value must be:
	// "*" (any value), a value, a list of values, or {min: n, max: n}.
	Attributes map[string]any `mapstructure:"attributes"`
	// AttributePatterns maps the key of a span attribute to patterns as SpanNames,
	// one of which its text must fit.
	AttributePatterns map[string][]string `mapstructure:"attribute_patterns"`
	// AnyAttribute lists keys, one of which the span must have.
	AnyAttribute []string `mapstructure:"any_attribute"`
	// AnyOf is as Attributes, of which one is enough: for a key that was renamed.
	AnyOf map[string]any `mapstructure:"any_of"`
	// Without lists keys that the span must not have.
	Without []string `mapstructure:"without"`
	// ResourceAttributes is as Attributes, for the resource.
	ResourceAttributes map[string]any `mapstructure:"resource_attributes"`
	// Events lists names of span events, one of which the span must have.
	Events []string `mapstructure:"events"`
	// EventAttributes is as Attributes, for an event: one of Events must fulfil them all.
	EventAttributes map[string]any `mapstructure:"event_attributes"`
}

// Assignment reads a value and writes it to an attribute of the vocabulary.
type Assignment struct {
	// To is the key of the attribute.
	To     string `mapstructure:"to"`
	Source `mapstructure:",squash"`
}

// Source says where a value comes from: exactly one of Attribute,
// ResourceAttribute, CountEvents, SpanDuration, Gap and Value.
type Source struct {
	// Attribute is the key of a span attribute, or of an attribute of the event that Event names.
	Attribute string `mapstructure:"attribute"`
	// OnlyIf is as Match.Attributes: the value is taken where all of the conditions hold. Unlike those they are looked at
	// where the rule applies alone, which is the cheaper way for keys that most spans have.
	OnlyIf map[string]any `mapstructure:"only_if"`
	// Between has two texts. The value is what stands between the first one and the next occurrence of the second one in
	// the attribute, which may also end there: of /v2/models/ranker/infer, [/v2/models/, /] is ranker.
	Between []string `mapstructure:"between"`
	// JSON is what to read of the JSON text that the attribute holds: a key, keys
	// of nested objects with dots between them, or "." for the whole text.
	JSON string `mapstructure:"json"`
	// Event is the name of the event whose Attribute is read; the first of that name counts.
	Event string `mapstructure:"event"`
	// ResourceAttribute is the key of a resource attribute.
	ResourceAttribute string `mapstructure:"resource_attribute"`
	// CountEvents is the name of the events that are counted.
	CountEvents string `mapstructure:"count_events"`
	// SpanDuration takes the duration of the span.
	SpanDuration bool `mapstructure:"span_duration"`
	// Gap is the time from one moment to another: start, end, event.NAME,
	// attribute.KEY (a time of day as text, in RFC 3339), and each of them after
	// "other." in a join.
	Gap []string `mapstructure:"gap"`
	// Value is a constant.
	Value any `mapstructure:"value"`

	// Units of a duration: ns, us, ms, s, or duration for strings such as
	// "1.234567ms". Of several, the first under which the value fits into the
	// span's own duration is taken, and a value that fits under none is invalid.
	// A clock counts ns, so that only a whole number can be in ns, and only one
	// from 1000 on where there are several units.
	Units []string `mapstructure:"units"`
	// Minus is the key of a span attribute in the same units that is subtracted.
	Minus string `mapstructure:"minus"`
	// Values maps texts of the attribute to what they stand for: passed to true. Any other text is no value.
	Values map[string]any `mapstructure:"values"`
	// Times multiplies a number that has no unit of a time: 1000000 for MB where bytes are wanted.
	Times float64 `mapstructure:"times"`
	// Plus is added to the value, after its unit is applied.
	Plus float64 `mapstructure:"plus"`
	// Unknown lists values by which the system says that it does not know: numbers, or texts for a text.
	Unknown []any `mapstructure:"unknown"`
}

// StageFrom finds a stage in a name such as train_model or load-features.
type StageFrom struct {
	// Attribute holds the name; the span's own name where it is empty.
	Attribute string `mapstructure:"attribute"`
	// Words maps a word of the name to a stage, before the built-in words.
	Words map[string]string `mapstructure:"words"`
}

// ColdStart says what was loaded and how long it took.
type ColdStart struct {
	// Component is a fixed name of what is loaded.
	Component string `mapstructure:"component"`
	// ComponentFrom is the key of a span attribute that names what is loaded.
	// Without it and Component the span's name is used.
	ComponentFrom string `mapstructure:"component_from"`
	// Duration of the load; the span's own without it.
	Duration *Source `mapstructure:"duration"`
	// MinMS is for spans that are a load only where they take long: one of fewer ms is none.
	MinMS float64 `mapstructure:"min_ms"`
	// InstanceFrom lists keys of span attributes that name the process, for a
	// resource that several processes share; the first that the span has is
	// used. Where it has none, ml.cold_start.reload is left out.
	InstanceFrom []string `mapstructure:"instance_from"`
	// Reload can be Unknown, for spans of one component that load different
	// things and do not say which: ml.cold_start.reload is left out. It takes
	// any value so that Problems can say what to write in the place of false.
	Reload any `mapstructure:"reload"`
}

// Join describes a second span that this one must be seen together with.
type Join struct {
	// Relation of the other span to this one: parent, sibling or resource.
	Relation string `mapstructure:"relation"`
	// SameResourceAttribute is the key of a resource attribute, for the relation
	// resource: the two spans have the same value there, in whichever traces.
	SameResourceAttribute string `mapstructure:"same_resource_attribute"`
	// OneColdStart says that the two show one cold start: the later one is not marked.
	OneColdStart bool `mapstructure:"one_cold_start"`
	// Match says which spans are the other one.
	Match Match `mapstructure:"match"`
	// After requires that this span starts when the other one has ended.
	After bool `mapstructure:"after"`
	// Once lets the other span meet one span only, the first that comes.
	Once bool `mapstructure:"once"`
	// Set is carried out on the one of the two spans that arrives later.
	Set []Assignment `mapstructure:"set"`
}
