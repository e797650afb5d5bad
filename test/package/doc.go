// Package packages reads what `make package` makes: the archive, the packages of
// three kinds, the image, the SBOM and the notices. The package installed installs
// and runs them in a clean system.
package packages
