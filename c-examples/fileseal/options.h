/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>

typedef enum { SEAL, OPEN, REWRAP, INFO } command;

typedef struct {
  command command;
  const char *store, *passphrase_file, *key_file; /* NULL if not given */
  const char *account, *region, *key;
  size_t chunk;
  uint32_t flags;
  char context[8192]; /* the encryption context, in JSON */
  const char *in, *out;
} options;

/* Answers 0, or the exit code after having said what is wrong. */
int options_read(options *o, int argc, char **argv);

#endif
