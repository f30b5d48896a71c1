/* Outputs that show whatever is written where nothing should be. */
#ifndef ROOMS_H
#define ROOMS_H

#include <stddef.h>
#include <stdint.h>

#define CANARY 0xa5
#define ROOM 2048
#define UNSET 12345u

typedef struct room {
  uint8_t bytes[ROOM];
  size_t len;
} room;

void clear(room *r);
int all(const room *r, size_t from, size_t to, uint8_t byte);
int untouched(const room *r);
/* After a failure: as it was or wiped, and no length that could be used. */
int left_clean(const room *r, size_t capacity);
/* After a success: *len bytes at most within the capacity, zeros or what was
   there behind them, and nothing beyond. */
int well_filled(const room *r, size_t capacity);

#endif
