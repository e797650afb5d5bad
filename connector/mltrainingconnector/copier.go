package mltrainingconnector

import "go.opentelemetry.io/collector/pdata/ptrace"

// copier copies spans of one resource into a batch, with that resource and their scopes.
type copier struct {
	to       ptrace.Traces
	resource ptrace.ResourceSpans
	scope    ptrace.ScopeSpans

	copied *ptrace.ResourceSpans
	into   *ptrace.ScopeSpans // nil until the scope has a span in the batch
}

func (c *copier) copy(span ptrace.Span) {
	if c.copied == nil {
		resource := c.to.ResourceSpans().AppendEmpty()
		c.resource.Resource().CopyTo(resource.Resource())
		resource.SetSchemaUrl(c.resource.SchemaUrl())
		c.copied = &resource
	}
	if c.into == nil {
		scope := c.copied.ScopeSpans().AppendEmpty()
		c.scope.Scope().CopyTo(scope.Scope())
		scope.SetSchemaUrl(c.scope.SchemaUrl())
		c.into = &scope
	}
	span.CopyTo(c.into.Spans().AppendEmpty())
}
