#include "rooms.h"

#include <string.h>

void clear(room *r)
{
  memset(r->bytes, CANARY, sizeof(r->bytes));
  r->len = UNSET;
}

int all(const room *r, size_t from, size_t to, uint8_t byte)
{
  while(from < to && r->bytes[from] == byte)
    from++;
  return from == to;
}

int untouched(const room *r)
{
  return all(r, 0, ROOM, CANARY);
}

int left_clean(const room *r, size_t capacity)
{
  return (all(r, 0, capacity, CANARY) || all(r, 0, capacity, 0)) &&
         all(r, capacity, ROOM, CANARY) && (r->len == UNSET || r->len == 0);
}

int well_filled(const room *r, size_t capacity)
{
  size_t i;
  if(r->len > capacity)
    return 0;
  for(i = r->len; i < capacity; i++)
    if(r->bytes[i] && r->bytes[i] != CANARY)
      return 0;
  return all(r, capacity, ROOM, CANARY);
}
