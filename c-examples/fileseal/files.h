/* Files in and out, or standard input and output, whose name is "-". What goes
 * out appears when all of it is there, and else not at all. Functions answer
 * 0, or the exit code after having said what is wrong.
 */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
  FILE *file;
  const char *name;
} input;

typedef struct {
  FILE *file;
  const char *path; /* NULL: standard output */
  char *part;       /* where it is until it is whole */
  int wrote;
} output;

int input_open(input *in, const char *path);
void input_close(input *in);

/* Reads `capacity` bytes, or what is left if that is less; `last` (may be
   NULL) tells whether nothing comes after them. */
int input_read(input *in, uint8_t *to, size_t capacity, size_t *len,
               int *last);

/* Refuses what has been read: it is not what was sealed. */
int input_damaged(const input *in, const char *why);

int output_open(output *out, const char *path);
int output_write(output *out, const uint8_t *from, size_t len);

/* With code 0 the file appears, and is on the disk; otherwise nothing is left
   of it. Answers the code, or what has failed here. */
int output_close(output *out, int code);

#endif
