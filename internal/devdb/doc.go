// Package devdb starts a real PostgreSQL for development and tests, so that nobody has to set one up first.
//
// It owns one cluster per data folder: finding (or fetching) the PostgreSQL binaries, choosing the system account,
// initialising the cluster, starting and stopping the server, and the roles every installation has. It knows nothing of
// the product's tables and must import nothing of the project.
//
// # Who can connect
//
// The server listens on a unix socket only, never on TCP, and authenticates by the kernel's word ("peer"): the one system
// account that called Start may be any role, everybody else is refused. The socket's folder is private (mode 0700) as
// well. That is preferred to a password on a TCP port because there is then no secret to store, print or leak, no port that
// could be taken or scanned, and no way in for another account of the same machine or for a web page that reaches for
// localhost.
//
// # Running as root
//
// PostgreSQL refuses to run as root, so as root the server runs as "postgres" or, where that account is missing, as
// "nobody". If that account cannot enter the data folder (a folder below /root, say), the cluster is kept under
// /var/lib/mcpauth-dev instead and the data folder records where.
//
// # Lifetime
//
// On Linux the kernel stops the server when our process dies, however it dies; elsewhere a small watcher process does. A
// start after a crash of either side finds what is left (a server still running, a stale pid file, an unclean shutdown)
// and recovers. A lock on the data folder keeps a second process out.
package devdb
