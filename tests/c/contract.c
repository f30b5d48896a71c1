/* Tests what the C contract promises and the table of cases cannot say:
   pointers, buffers, handles, threads, forks and places. TAP on stdout. */
#include "contract.h"
#include <kmshsm.h> /* twice on purpose */

#include <signal.h>
#include <stdio.h>

int main(void)
{
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  test_arguments();
  test_texts();
  test_buffers();
  test_handles();
  test_crossing();
  test_places();
  test_threads();
  test_forks();
  return finish();
}
