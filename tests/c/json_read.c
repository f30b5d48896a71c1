#include "json.h"

#include <string.h>

#define DEPTH_MAX 64

typedef struct reader {
  const char *at;
  const char *end;
  int depth;
} reader;

static json *read_value(reader *r);

static void skip_blanks(reader *r)
{
  while(r->at < r->end && *r->at && strchr(" \t\r\n", *r->at))
    r->at++;
}

static int is_next(reader *r, char c)
{
  if(r->at == r->end || *r->at != c)
    return 0;
  r->at++;
  return 1;
}

static int read_hex4(reader *r, uint32_t *code)
{
  buffer two = {0};
  char lower[4];
  int ok, i;
  if(r->end - r->at < 4)
    return 0;
  for(i = 0; i < 4; i++) {
    char c = r->at[i];
    lower[i] = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
  }
  ok = hex_decode(&two, lower, 4);
  if(ok)
    *code = (uint32_t)(uint8_t)two.data[0] << 8 | (uint8_t)two.data[1];
  buffer_free(&two);
  r->at += 4;
  return ok;
}

static void add_utf8(buffer *out, uint32_t code)
{
  uint8_t bytes[4];
  size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  size_t i;
  for(i = len; --i; code >>= 6)
    bytes[i] = (uint8_t)(0x80 | (code & 63));
  bytes[0] = (uint8_t)(len == 1 ? code : (0xf00u >> len & 0xff) | code);
  buffer_add(out, bytes, len);
}

static int read_escape(reader *r, buffer *out)
{
  static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
  uint32_t code, low;
  const char *at;
  if(r->at == r->end || !*r->at)
    return 0;
  at = strchr(letters, *r->at);
  if(at) {
    buffer_add(out, meaning + (at - letters), 1);
    r->at++;
    return 1;
  }
  if(!is_next(r, 'u') || !read_hex4(r, &code))
    return 0;
  if(code >= 0xd800 && code < 0xdc00) {
    if(!is_next(r, '\\') || !is_next(r, 'u') || !read_hex4(r, &low) ||
       low < 0xdc00 || low > 0xdfff)
      return 0;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if(code >= 0xdc00 && code < 0xe000)
    return 0;
  add_utf8(out, code);
  return 1;
}

static json *read_string(reader *r)
{
  buffer text = {0};
  json *value = NULL;
  if(!is_next(r, '"'))
    return NULL;
  for(;;) {
    if(r->at == r->end || (uint8_t)*r->at < 0x20)
      break;
    if(is_next(r, '"')) {
      value = json_text(text.data, text.len);
      break;
    }
    if(is_next(r, '\\')) {
      if(!read_escape(r, &text))
        break;
    } else
      buffer_add(&text, r->at++, 1);
  }
  buffer_free(&text);
  return value;
}

static size_t read_digits(reader *r)
{
  const char *start = r->at;
  while(r->at < r->end && *r->at >= '0' && *r->at <= '9')
    r->at++;
  return (size_t)(r->at - start);
}

static json *read_number(reader *r)
{
  const char *start = r->at;
  json *value;
  is_next(r, '-');
  if(!is_next(r, '0') && !read_digits(r))
    return NULL;
  if(is_next(r, '.') && !read_digits(r))
    return NULL;
  if(is_next(r, 'e') || is_next(r, 'E')) {
    if(!is_next(r, '+'))
      is_next(r, '-');
    if(!read_digits(r))
      return NULL;
  }
  value = json_text(start, (size_t)(r->at - start));
  value->type = JSON_NUMBER;
  return value;
}

static json *read_word(reader *r, const char *word, json_type type)
{
  size_t len = strlen(word);
  if((size_t)(r->end - r->at) < len || memcmp(r->at, word, len))
    return NULL;
  r->at += len;
  return json_new(type);
}

static json *read_member(reader *r)
{
  json *name, *value = NULL;
  skip_blanks(r);
  name = read_string(r);
  if(!name)
    return NULL;
  skip_blanks(r);
  if(is_next(r, ':'))
    value = read_value(r);
  if(value) {
    value->name = name->text;
    name->text = NULL;
  }
  json_free(name);
  return value;
}

static json *read_items(reader *r, char close, json_type type)
{
  json *value = json_new(type);
  json **tail = &value->items;
  r->at++;
  skip_blanks(r);
  if(++r->depth > DEPTH_MAX)
    goto bad;
  if(!is_next(r, close)) {
    do {
      *tail = type == JSON_OBJECT ? read_member(r) : read_value(r);
      if(!*tail)
        goto bad;
      if(type == JSON_OBJECT && json_get(value, (*tail)->name) != *tail)
        goto bad;
      tail = &(*tail)->next;
      skip_blanks(r);
    } while(is_next(r, ','));
    if(!is_next(r, close))
      goto bad;
  }
  r->depth--;
  return value;
bad:
  json_free(value);
  return NULL;
}

static json *read_value(reader *r)
{
  skip_blanks(r);
  if(r->at == r->end)
    return NULL;
  switch(*r->at) {
  case '{':
    return read_items(r, '}', JSON_OBJECT);
  case '[':
    return read_items(r, ']', JSON_LIST);
  case '"':
    return read_string(r);
  case 't':
    return read_word(r, "true", JSON_TRUE);
  case 'f':
    return read_word(r, "false", JSON_FALSE);
  case 'n':
    return read_word(r, "null", JSON_NULL);
  default:
    return read_number(r);
  }
}

json *json_parse(const char *text, size_t len)
{
  reader r = {NULL, NULL, 0};
  json *value;
  r.at = text;
  r.end = text + len;
  value = read_value(&r);
  skip_blanks(&r);
  if(value && r.at != r.end) {
    json_free(value);
    return NULL;
  }
  return value;
}
