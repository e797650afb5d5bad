package browser

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-ml/otelcol-ml/test/e2e/internal/stack"
)

// TestLogin: with the extension that docs/page.md shows, nobody sees the page without a password.
func TestLogin(t *testing.T) {
	t.Parallel()
	running := stack.StartCollector(t, stack.CollectorOptions(t,
		"yaml:extensions::basicauth/page::htpasswd::inline: 'somebody:secret'",
		"yaml:exporters::mlview::auth::authenticator: basicauth/page",
		"yaml:service::extensions: [mladmission, health_check, basicauth/page]",
	))
	for _, c := range []struct {
		user, password string
		want           int
	}{{"", "", http.StatusUnauthorized}, {"somebody", "wrong", http.StatusUnauthorized}, {"somebody", "secret", http.StatusOK}} {
		for _, path := range []string{"", "traces", "static/page.css"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, running.ViewURL()+path, nil)
			require.NoError(t, err)
			if c.user != "" {
				request.SetBasicAuth(c.user, c.password)
			}
			answer, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			assert.Equal(t, c.want, answer.StatusCode, "%s %s", c.user, path)
			if c.want != http.StatusOK {
				assert.Contains(t, answer.Header.Get("WWW-Authenticate"), "Basic", "so that a browser asks")
			}
		}
	}
}
