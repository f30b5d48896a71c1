/* A small strict JSON reader and writer (RFC 8259) for the test programs.
   Numbers stay the text that they were; strings may hold NUL. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

#include "bytes.h"

typedef enum json_type {
  JSON_NULL,
  JSON_FALSE,
  JSON_TRUE,
  JSON_NUMBER,
  JSON_STRING,
  JSON_LIST,
  JSON_OBJECT
} json_type;

typedef struct json {
  json_type type;
  char *text;        /* string or number */
  size_t len;        /* of text */
  char *name;        /* in an object: the member's name */
  struct json *next; /* in a list or object */
  struct json *items;
} json;

/* NULL if the text is not exactly one JSON value. */
json *json_parse(const char *text, size_t len);
void json_free(json *value);
void json_write(buffer *out, const json *value);

json *json_new(json_type type);
json *json_text(const char *text, size_t len);
json *json_copy(const json *value);
/* Takes the value over; a member of that name gives way. */
void json_set(json *object, const char *name, json *value);
/* The same with a copy: of a text, or of the member of that name of another
   object; nothing happens if that is NULL. */
void json_set_text(json *object, const char *name, const char *text);
void json_set_copy(json *object, const char *name, const json *from);
/* Takes the item over to the end of the list. */
void json_add(json *list, json *item);
/* Copies of the items of another list, which may be NULL. */
void json_add_copies(json *list, const json *from);

/* NULL if there is none; `value` may be NULL too. */
const json *json_get(const json *value, const char *name);
/* A string's text, or NULL. */
const char *json_string(const json *object, const char *name);
/* A dotted path; numbers are indexes of lists. */
const json *json_path(const json *value, const char *path);
size_t json_count(const json *value);
/* The order of members does not matter. */
int json_equal(const json *a, const json *b);

#endif
