// The header is C++ too, and may be included twice.
#include <kmshsm.h>
#include <kmshsm.h>

static_assert(sizeof(kmshsm_status) == 4, "a status has 32 bits");

int main()
{
  const kmshsm_store *store = nullptr;
  kmshsm_close(store);
  return kmshsm_status_name(KMSHSM_OK) ? 0 : 1;
}
