package interop

// plan is what a request is to meet in the article's services. Times are milliseconds.
type plan struct {
	// FeatureIDs are c:... where the cache has the feature, d:... where only the database has it, x:... where nobody has.
	FeatureIDs []string `json:"feature_ids"`
	// DBMs is how long a query of the database takes.
	DBMs int `json:"db_ms"`
	// LoadMs is how long the tokenizer takes to load, 0 where it is there.
	LoadMs int `json:"load_ms"`
	// GPUBusyMs is how long another request holds the GPU.
	GPUBusyMs int `json:"gpu_busy_ms"`
	// ForwardMs is how long the model computes.
	ForwardMs int `json:"forward_ms"`
	// Broken is how often the output fails its validation. The service gives up after three attempts.
	Broken int `json:"broken"`
	Tokens int `json:"tokens"`
}

var (
	cached  = []string{"c:1", "c:2", "c:3"}
	missing = []string{"c:1", "d:7", "d:8"}
)

// mustKeep are requests that each meet one of the article's bottlenecks, all of them, or fail.
var mustKeep = []plan{
	{FeatureIDs: missing, DBMs: 400, ForwardMs: 60, Tokens: 7},
	{FeatureIDs: cached, GPUBusyMs: 350, ForwardMs: 80, Tokens: 7},
	{FeatureIDs: cached, GPUBusyMs: 160, ForwardMs: 80, Tokens: 7},
	{FeatureIDs: cached, ForwardMs: 60, Broken: 1, Tokens: 7},
	{FeatureIDs: cached, LoadMs: 250, ForwardMs: 60, Tokens: 7},
	{FeatureIDs: []string{"c:1", "x:1"}, DBMs: 20, ForwardMs: 120, Tokens: 7},
	{FeatureIDs: missing, DBMs: 300, LoadMs: 100, GPUBusyMs: 320, ForwardMs: 90, Broken: 2, Tokens: 7},
	{FeatureIDs: cached, ForwardMs: 60, Broken: 3, Tokens: 7},
	{FeatureIDs: cached, ForwardMs: 850, Tokens: 7},
}

// routine is a request that nothing happens to.
var routine = plan{FeatureIDs: cached, ForwardMs: 15, Tokens: 7}

// plans are the requests of a run: routine ones, and among them each of those that must be kept three times.
func plans() (all []plan) {
	for range 3 {
		for _, p := range mustKeep {
			all = append(all, routine, p, routine)
		}
	}
	return all
}
