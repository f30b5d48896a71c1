/* Tests what the C contract promises and the table of cases cannot say:
   pointers, buffers, handles, threads and places. TAP on stdout.
   With the argument "storms": forks beside threads of ours, forks and signals
   while many threads call. They need speed, and sanitizers that stand in
   forks' and handlers' way be off: a child waits for good for a lock of theirs
   that a thread held. */
#include "contract.h"
#include <kmshsm.h> /* twice on purpose */

#include <signal.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if(argc > 1 && !strcmp(argv[1], "storms")) {
    test_forks();
    test_fork_storm();
    test_signals();
  } else {
    test_arguments();
    test_texts();
    test_buffers();
    test_wrapping();
    test_signing();
    test_moving();
    test_digests();
    test_handles();
    test_crossing();
    test_places();
    test_options();
    test_due();
    test_indicator();
    test_logins();
    test_audit();
    test_operator();
    test_backups();
    test_threads();
  }
  return finish();
}
