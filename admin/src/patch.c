/*
 * An operation names a place by its parent and the last segment of the pointer, since
 * adding and removing are done to the parent; the root has no parent and can only be
 * tested and replaced.
 */
#include "patch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

cJSON *reef__patch_merge(cJSON *target, const cJSON *patch)
{
    const cJSON *member;

    if (!cJSON_IsObject(patch)) {
        cJSON_Delete(target);
        return cJSON_Duplicate(patch, true);
    }
    if (!cJSON_IsObject(target)) {
        cJSON_Delete(target);
        target = cJSON_CreateObject();
    }
    cJSON_ArrayForEach(member, patch)
    {
        cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(target, member->string);

        if (cJSON_IsNull(member)) {
            cJSON_Delete(old);
        } else {
            cJSON_AddItemToObject(target, member->string,
                                  reef__patch_merge(old, member));
        }
    }
    return target;
}

typedef struct place {
    cJSON *parent; /* NULL = the root */
    char name[REEF__POINTER_SIZE];
    cJSON *item; /* NULL when there is nothing yet */
    int index;   /* in an array; its size = append */
} place_t;

/* Take the next segment off *pointer, unescaped; false when it is malformed. */
static bool next_segment(const char **pointer, char segment[REEF__POINTER_SIZE])
{
    const char *at = *pointer;
    size_t used = 0;

    if (*at++ != '/') {
        return false;
    }
    for (; *at != '\0' && *at != '/'; at++) {
        char c = *at;

        if (c == '~') {
            at++;
            if (*at != '0' && *at != '1') {
                return false;
            }
            c = *at == '0' ? '~' : '/';
        }
        if (used + 1 == REEF__POINTER_SIZE) {
            return false;
        }
        segment[used++] = c;
    }
    segment[used] = '\0';
    *pointer = at;
    return true;
}

/* Index in an array of @p count, whose end `-` stands for; -1 when it is none. */
static int array_index(const char *segment, int count)
{
    size_t size = strlen(segment);
    long index;

    if (strcmp(segment, "-") == 0) {
        return count;
    }
    if (size == 0 || size > 6 || strspn(segment, "0123456789") != size ||
        (segment[0] == '0' && size > 1)) {
        return -1;
    }
    index = strtol(segment, NULL, 10);
    return index <= count ? (int)index : -1;
}

static bool find_place(cJSON *root, const char *pointer, place_t *place)
{
    *place = (place_t){.item = root};
    while (*pointer != '\0') {
        cJSON *parent = place->item;

        if (!next_segment(&pointer, place->name)) {
            return false;
        }
        place->parent = parent;
        if (cJSON_IsArray(parent)) {
            place->index = array_index(place->name, cJSON_GetArraySize(parent));
            if (place->index < 0) {
                return false;
            }
            place->item = cJSON_GetArrayItem(parent, place->index);
        } else if (cJSON_IsObject(parent)) {
            place->item = cJSON_GetObjectItemCaseSensitive(parent, place->name);
        } else {
            return false;
        }
    }
    return true;
}

/* Link @p item in before @p next, or at the end when that is NULL.  By hand, because
 * cJSON_InsertItemInArray() of Debian 12 refuses every place in the middle. */
static void link_before(cJSON *array, cJSON *next, cJSON *item)
{
    if (next == NULL) {
        cJSON_AddItemToArray(array, item);
        return;
    }
    item->next = next;
    item->prev = next->prev; /* of the first item: the last one */
    next->prev = item;
    if (array->child == next) {
        array->child = item;
    } else {
        item->prev->next = item;
    }
}

/* Put a copy of @p value where @p place is. */
static void put(cJSON **root, const place_t *place, const cJSON *value, bool insert)
{
    cJSON *copy = cJSON_Duplicate(value, true);

    if (place->parent == NULL) {
        cJSON_Delete(*root);
        *root = copy;
    } else if (cJSON_IsArray(place->parent)) {
        if (insert) {
            link_before(place->parent, place->item, copy);
        } else {
            cJSON_ReplaceItemInArray(place->parent, place->index, copy);
        }
    } else if (place->item != NULL) {
        cJSON_ReplaceItemInObjectCaseSensitive(place->parent, place->name, copy);
    } else {
        cJSON_AddItemToObject(place->parent, place->name, copy);
    }
}

/* The library looks at the members of both sides, level by level: two to the depth.
 * No name is in an object twice here, so one side and the count are enough. */
static bool is_equal(const cJSON *a, const cJSON *b)
{
    const cJSON *item, *other;

    if (cJSON_IsArray(a) && cJSON_IsArray(b)) {
        other = b->child;
        cJSON_ArrayForEach(item, a)
        {
            if (other == NULL || !is_equal(item, other)) {
                return false;
            }
            other = other->next;
        }
        return other == NULL;
    }
    if (cJSON_IsObject(a) && cJSON_IsObject(b)) {
        cJSON_ArrayForEach(item, a)
        {
            other = cJSON_GetObjectItemCaseSensitive(b, item->string);
            if (other == NULL || !is_equal(item, other)) {
                return false;
            }
        }
        return cJSON_GetArraySize(a) == cJSON_GetArraySize(b);
    }
    return cJSON_Compare(a, b, true);
}

typedef struct operation {
    const char *name;
    const char *path;
    const cJSON *value;
    char pointer[REEF__POINTER_SIZE]; /* of the operation in the patch */
} operation_t;

static reef__patch_result_t
refuse(reef__field_errors_t *errors, const operation_t *operation, const char *detail)
{
    reef__field_errors_add(errors, operation->pointer, "%s", detail);
    return REEF__PATCH_REFUSED;
}

static reef__patch_result_t
run(cJSON **root, const operation_t *operation, reef__field_errors_t *errors)
{
    bool is_add = strcmp(operation->name, "add") == 0;
    place_t place;

    if (!find_place(*root, operation->path, &place) ||
        (place.item == NULL && !is_add)) {
        reef__field_errors_add(errors, operation->pointer, "there is no '%.128s'",
                               operation->path);
        return REEF__PATCH_REFUSED;
    }
    if (strcmp(operation->name, "remove") == 0) {
        if (place.parent == NULL) {
            return refuse(errors, operation, "the whole value cannot be removed");
        }
        cJSON_Delete(cJSON_DetachItemViaPointer(place.parent, place.item));
        return REEF__PATCH_DONE;
    }
    if (operation->value == NULL) {
        return refuse(errors, operation, "an operation needs a value");
    }
    if (is_add) {
        put(root, &place, operation->value, true);
        return REEF__PATCH_DONE;
    }
    if (strcmp(operation->name, "replace") == 0) {
        put(root, &place, operation->value, false);
        return REEF__PATCH_DONE;
    }
    if (strcmp(operation->name, "test") != 0) {
        return refuse(errors, operation,
                      "the operations are test, add, replace and remove");
    }
    if (!is_equal(place.item, operation->value)) {
        reef__field_errors_add(errors, operation->pointer,
                               "'%.128s' is not what the test expects",
                               operation->path);
        return REEF__PATCH_TEST_FAILED;
    }
    return REEF__PATCH_DONE;
}

static bool
read_operation(const cJSON *json, operation_t *operation, reef__field_errors_t *errors)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(json, "op");
    const cJSON *path = cJSON_GetObjectItemCaseSensitive(json, "path");
    const cJSON *member;

    if (!cJSON_IsString(name) || !cJSON_IsString(path)) {
        refuse(errors, operation, "an operation needs op and path");
        return false;
    }
    cJSON_ArrayForEach(member, json)
    {
        if (strcmp(member->string, "op") != 0 && strcmp(member->string, "path") != 0 &&
            strcmp(member->string, "value") != 0) {
            refuse(errors, operation, "an operation has only op, path and value");
            return false;
        }
    }
    operation->name = name->valuestring;
    operation->path = path->valuestring;
    operation->value = cJSON_GetObjectItemCaseSensitive(json, "value");
    return true;
}

reef__patch_result_t
reef__patch_apply(cJSON **target, const cJSON *patch, reef__field_errors_t *errors)
{
    const cJSON *item;
    size_t index = 0;

    if (!cJSON_IsArray(patch) ||
        cJSON_GetArraySize(patch) > REEF__MAX_PATCH_OPERATIONS) {
        reef__field_errors_add(errors, "",
                               "a JSON Patch is an array of at most %d operations",
                               REEF__MAX_PATCH_OPERATIONS);
        return REEF__PATCH_REFUSED;
    }
    cJSON_ArrayForEach(item, patch)
    {
        operation_t operation;
        reef__patch_result_t result;

        snprintf(operation.pointer, sizeof(operation.pointer), "/%zu", index++);
        if (!read_operation(item, &operation, errors)) {
            return REEF__PATCH_REFUSED;
        }
        result = run(target, &operation, errors);
        if (result != REEF__PATCH_DONE) {
            return result;
        }
    }
    return REEF__PATCH_DONE;
}
