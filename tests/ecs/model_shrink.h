/**
 * @file model_shrink.h
 * @brief Runs of operations in a child, and the fewest that still fail.
 *
 * A run is a process of its own, so an assertion, a crash, a finding of a sanitizer and
 * a loop without end are failures like any other.
 */
#ifndef MODEL_SHRINK_H
#define MODEL_SHRINK_H

#include "model.h"

enum {
    MODEL_TEXT_SIZE = 2048
};

typedef struct model_outcome {
    bool failed;
    model_report_t report;
    char text[MODEL_TEXT_SIZE]; /* the end of what the child printed */
} model_outcome_t;

/** Carry out the operations in a child. */
void model_run_child(const model_ops_t *ops,
                     model_fault_t fault,
                     model_outcome_t *outcome);

/**
 * Leave out and simplify what can be, while the run fails.
 *
 * @param limit_s Seconds after which the best so far has to do.
 * @param outcome That of @p ops, which failed; receives that of the result.
 * @return Runs that were needed.
 */
uint32_t model_shrink(model_ops_t *ops,
                      model_fault_t fault,
                      uint32_t limit_s,
                      model_outcome_t *outcome);

#endif /* MODEL_SHRINK_H */
