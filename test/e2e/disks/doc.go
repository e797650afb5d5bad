// Package disks tests what full and read-only disks do to a running collector.
// Its tests mount small disks in a mount namespace of their own, so they need
// root: `make faults`.
package disks
