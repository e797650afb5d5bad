// Package installed installs the packages in a clean system, and runs, upgrades
// and removes them there. It needs root, and the packages of Debian.
package installed
