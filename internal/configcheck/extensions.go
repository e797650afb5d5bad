package configcheck

import (
	"fmt"
	"slices"
	"strings"
)

// The extensions of the distribution that can do what a setting names an extension for.
var (
	serverAuthenticators = []string{"basicauth", "bearertokenauth"}
	clientAuthenticators = []string{"basicauth", "bearertokenauth", "headers_setter", "oauth2client"}
	storages             = []string{"file_storage"}
	middlewares          = []string{"mladmission"}
)

// checkExtensions finds components that need an extension which does not start, or which is of another kind.
func checkExtensions(c config, r *Result) {
	need := func(path string, id any, types []string) {
		switch id := text(id); {
		case id == "":
		case !slices.Contains(c.extensions, id):
			r.fail("%s: found %q, must be an extension that starts; add it to service::extensions, which has %s%s",
				path, id, namesOf(c.extensions), hint(id, c.extensions))
		case !is(id, types...):
			r.fail("%s: found %q, must be an extension of type %s; name another one", path, id, strings.Join(types, ", "))
		}
	}
	for _, component := range c.used() {
		server := component.kind == "receivers" || is(component.id, "mlview")
		visit(component.settings, "", func(path, key string, value any) {
			path = component.path(path)
			switch key {
			case "authenticator":
				types := clientAuthenticators
				if server {
					types = serverAuthenticators
				}
				need(path, value, types)
				checkBasicAuth(c, r, path, text(value), server)
			case "storage":
				need(path, value, storages)
			case "middlewares":
				for i, m := range list(value) {
					need(fmt.Sprintf("%s[%d]::id", path, i), block(m)["id"], middlewares)
				}
			}
		})
	}
}

// checkBasicAuth finds a basicauth for the other side.
func checkBasicAuth(c config, r *Result, path, id string, server bool) {
	has, key := "client_auth", "htpasswd"
	if !server {
		has, key = key, has
	}
	if settings := block(block(c.settings["extensions"])[id]); is(id, "basicauth") && settings[has] != nil && settings[key] == nil {
		r.fail("%s: found %q, which has %s, must be one with %s; configure another basicauth", path, id, has, key)
	}
}
