#include "steps.h"

#include <stdlib.h>
#include <string.h>

static int replace_text(json *value, const json *variables, buffer *missing)
{
  buffer out = {0};
  const char *at = value->text, *end = value->text + value->len;
  while(at < end) {
    const char *close = at[0] == '$' && at[1] == '{' ? strchr(at, '}') : NULL;
    if(close) {
      char *name = copy_text(at + 2, (size_t)(close - at) - 2);
      const json *variable = json_get(variables, name);
      if(!variable)
        buffer_text(missing, name);
      else
        buffer_add(&out, variable->text, variable->len);
      free(name);
      if(!variable) {
        buffer_free(&out);
        return 0;
      }
      at = close + 1;
    } else
      buffer_add(&out, at++, 1);
  }
  free(value->text);
  value->text = copy_text(out.data, out.len);
  value->len = out.len;
  buffer_free(&out);
  return 1;
}

static int replace_all(json *value, const json *variables, buffer *missing)
{
  json *item;
  if(value->type == JSON_STRING)
    return replace_text(value, variables, missing);
  for(item = value->items; item; item = item->next)
    if(!replace_all(item, variables, missing))
      return 0;
  return 1;
}

json *replace(const json *value, const json *variables, buffer *missing)
{
  json *copy = value ? json_copy(value) : json_new(JSON_OBJECT);
  if(replace_all(copy, variables, missing))
    return copy;
  json_free(copy);
  return NULL;
}

/* Whether the text has the shape: x a hex digit, 9 a digit, else itself. */
static int has_shape(const char *text, const char *shape)
{
  for(; *text && *shape; text++, shape++) {
    const char *set = *shape == 'x' ? "0123456789abcdef" : "0123456789";
    if(*shape == 'x' || *shape == '9') {
      if(!strchr(set, *text))
        return 0;
    } else if(*text != *shape)
      return 0;
  }
  return !*text && !*shape;
}

static int is_kind(const char *kind, const json *value)
{
  buffer bytes = {0};
  int ok = 0;
  if(value->type != JSON_STRING || !value->len ||
     strlen(value->text) != value->len)
    return 0;
  if(!strcmp(kind, "uuid"))
    ok = has_shape(value->text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
  else if(!strcmp(kind, "time"))
    ok = has_shape(value->text, "9999-99-99T99:99:99Z");
  else if(!strcmp(kind, "base64"))
    ok = base64_decode(&bytes, value->text, value->len);
  else
    ok = !strcmp(kind, "nonempty");
  buffer_free(&bytes);
  return ok;
}

static size_t utf8_count(const json *text)
{
  size_t i, count = 0;
  for(i = 0; i < text->len; i++)
    count += ((uint8_t)text->text[i] & 0xc0) != 0x80;
  return count;
}

/* A plaintext as the typed lane answers it: the Base64 of its bytes. */
static json *as_bytes(const json *text)
{
  buffer out = {0};
  json *value;
  if(base64_decode(&out, text->text, text->len))
    value = json_text(text->text, text->len);
  else {
    buffer_free(&out);
    base64_encode(&out, (const uint8_t *)text->text, text->len);
    value = json_text(out.data, out.len);
  }
  buffer_free(&out);
  return value;
}

static int holds(const json *expected, const json *value)
{
  const json *word = expected->type == JSON_OBJECT ? expected->items : NULL;
  if(!word)
    return value && json_equal(expected, value);
  if(!strcmp(word->name, "absent"))
    return !value;
  if(!value)
    return 0;
  if(!strcmp(word->name, "matches"))
    return word->type == JSON_STRING && is_kind(word->text, value);
  if(!strcmp(word->name, "differs"))
    return !json_equal(word, value);
  if(!strcmp(word->name, "length") && word->type == JSON_NUMBER)
    return strtoul(word->text, NULL, 10) == (value->type == JSON_STRING
                                                 ? utf8_count(value)
                                                 : json_count(value));
  return 0;
}

static void add_json(buffer *out, const json *value)
{
  buffer text = {0};
  if(value)
    json_write(&text, value);
  else
    buffer_text(&text, "nothing");
  buffer_add(out, text.data, text.len < 300 ? text.len : 300);
  if(text.len > 300)
    buffer_text(out, "...");
  buffer_free(&text);
}

/* A field of the answer, to be freed; an empty path is the text of all of it,
   but for what names the request. */
static json *found_at(const outcome *o, const char *path)
{
  const json *value = json_path(o->answer, path);
  buffer text = {0};
  json *found;
  if(*path)
    return value ? json_copy(value) : NULL;
  found = json_copy(o->answer);
  json_set_text(found, "RequestId", "");
  json_write(&text, found);
  json_free(found);
  found = json_text(text.data, text.len);
  buffer_free(&text);
  return found;
}

static void check_fields(const json *expect, const outcome *o, buffer *problem)
{
  const json *item;
  for(item = expect->items; item && !problem->len; item = item->next) {
    json *value = found_at(o, item->name);
    json *bytes = NULL;
    if(o->typed && !value)
      continue;
    if(o->typed && !strcmp(item->name, "Plaintext") &&
       item->type == JSON_STRING)
      bytes = as_bytes(item);
    if(!holds(bytes ? bytes : item, value)) {
      buffer_text(problem, item->name);
      buffer_text(problem, " should be ");
      add_json(problem, bytes ? bytes : item);
      buffer_text(problem, " and is ");
      add_json(problem, value);
    }
    json_free(bytes);
    json_free(value);
  }
}

void check(const json *step, const json *expect, const outcome *o,
           buffer *problem)
{
  const char *code = json_string(step, "error");
  const char *message = json_string(step, "message");
  if(!code && o->code) {
    buffer_text(problem, o->code);
    buffer_text(problem, ": ");
    buffer_text(problem, o->message);
  } else if(!code)
    check_fields(expect, o, problem);
  else if(!o->code || strcmp(code, o->code)) {
    buffer_text(problem, "should fail with ");
    buffer_text(problem, code);
    buffer_text(problem, o->code ? " and fails with " : " and succeeds");
    if(o->code) {
      buffer_text(problem, o->code);
      buffer_text(problem, ": ");
      buffer_text(problem, o->message);
    }
  } else if(message && !strstr(o->message, message)) {
    buffer_text(problem, "the message should hold ");
    buffer_text(problem, message);
    buffer_text(problem, " and is: ");
    buffer_text(problem, o->message);
  }
}

void save(const json *step, const outcome *o, json *variables, buffer *problem)
{
  const json *wanted = json_get(step, "save");
  const json *item;
  for(item = wanted ? wanted->items : NULL; item; item = item->next) {
    json *value = found_at(o, item->text);
    if(!value || !value->text) {
      buffer_text(problem, "no text to save at ");
      buffer_text(problem, item->text);
      json_free(value);
      return;
    }
    json_set(variables, item->name, value);
  }
}
