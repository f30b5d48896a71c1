#include "json.h"

#include <stdlib.h>
#include <string.h>

json *json_new(json_type type)
{
  json *value = take(sizeof(*value));
  value->type = type;
  return value;
}

json *json_text(const char *text, size_t len)
{
  json *value = json_new(JSON_STRING);
  value->text = copy_text(text, len);
  value->len = len;
  return value;
}

void json_free(json *value)
{
  while(value) {
    json *next = value->next;
    json_free(value->items);
    free(value->text);
    free(value->name);
    free(value);
    value = next;
  }
}

json *json_copy(const json *value)
{
  json *copy = json_new(value->type);
  json **tail = &copy->items;
  const json *item;
  if(value->text) {
    copy->text = copy_text(value->text, value->len);
    copy->len = value->len;
  }
  if(value->name)
    copy->name = copy_text(value->name, strlen(value->name));
  for(item = value->items; item; item = item->next) {
    *tail = json_copy(item);
    tail = &(*tail)->next;
  }
  return copy;
}

void json_set(json *object, const char *name, json *value)
{
  json **at = &object->items;
  while(*at && strcmp((*at)->name, name))
    at = &(*at)->next;
  if(*at) {
    json *old = *at;
    *at = old->next;
    old->next = NULL;
    json_free(old);
  }
  while(*at)
    at = &(*at)->next;
  free(value->name);
  value->name = copy_text(name, strlen(name));
  *at = value;
}

void json_set_text(json *object, const char *name, const char *text)
{
  if(text)
    json_set(object, name, json_text(text, strlen(text)));
}

void json_set_copy(json *object, const char *name, const json *from)
{
  const json *value = json_get(from, name);
  if(value)
    json_set(object, name, json_copy(value));
}

void json_add(json *list, json *item)
{
  json **tail = &list->items;
  while(*tail)
    tail = &(*tail)->next;
  *tail = item;
}

void json_add_copies(json *list, const json *from)
{
  json **tail = &list->items;
  const json *item = from ? from->items : NULL;
  while(*tail)
    tail = &(*tail)->next;
  for(; item; item = item->next, tail = &(*tail)->next)
    *tail = json_copy(item);
}

static void write_string(buffer *out, const char *text, size_t len)
{
  static const char digits[] = "0123456789abcdef";
  size_t i;
  buffer_text(out, "\"");
  for(i = 0; i < len; i++) {
    uint8_t c = (uint8_t)text[i];
    if(c < 0x20) {
      char escape[6] = {'\\', 'u', '0', '0', 0, 0};
      escape[4] = digits[c >> 4];
      escape[5] = digits[c & 15];
      buffer_add(out, escape, 6);
      continue;
    }
    if(c == '"' || c == '\\')
      buffer_text(out, "\\");
    buffer_add(out, &text[i], 1);
  }
  buffer_text(out, "\"");
}

void json_write(buffer *out, const json *value)
{
  static const char *const words[] = {"null", "false", "true"};
  const json *item;
  int object = value->type == JSON_OBJECT;
  if(value->type == JSON_STRING)
    write_string(out, value->text, value->len);
  else if(value->type == JSON_NUMBER)
    buffer_text(out, value->text);
  else if(value->type < JSON_NUMBER)
    buffer_text(out, words[value->type]);
  else {
    buffer_text(out, object ? "{" : "[");
    for(item = value->items; item; item = item->next) {
      if(object) {
        write_string(out, item->name, strlen(item->name));
        buffer_text(out, ":");
      }
      json_write(out, item);
      if(item->next)
        buffer_text(out, ",");
    }
    buffer_text(out, object ? "}" : "]");
  }
}

const json *json_get(const json *value, const char *name)
{
  const json *item = value && value->type == JSON_OBJECT ? value->items : NULL;
  while(item && strcmp(item->name, name))
    item = item->next;
  return item;
}

const char *json_string(const json *object, const char *name)
{
  const json *item = json_get(object, name);
  return item && item->type == JSON_STRING ? item->text : NULL;
}

const json *json_path(const json *value, const char *path)
{
  while(value && *path) {
    size_t len = strcspn(path, ".");
    char *step = copy_text(path, len);
    if(value->type == JSON_LIST) {
      unsigned long index = strtoul(step, NULL, 10);
      for(value = value->items; value && index; index--)
        value = value->next;
    } else
      value = json_get(value, step);
    free(step);
    path += len + (path[len] == '.');
  }
  return value;
}

size_t json_count(const json *value)
{
  const json *item;
  size_t count = 0;
  for(item = value->items; item; item = item->next)
    count++;
  return count;
}

int json_equal(const json *a, const json *b)
{
  const json *x = a->items, *y = b->items;
  if(a->type != b->type || a->len != b->len || json_count(a) != json_count(b))
    return 0;
  if(a->len && memcmp(a->text, b->text, a->len))
    return 0;
  for(; x; x = x->next) {
    if(a->type == JSON_OBJECT)
      y = json_get(b, x->name);
    if(!y || !json_equal(x, y))
      return 0;
    y = y->next;
  }
  return 1;
}
