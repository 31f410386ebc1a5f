//! The callables by which an event loop goes on with a task: `TaskStepMethWrapper` and `TaskWakeupMethWrapper`.

use super::task_step;
use crate::gc::Visit;
use crate::modules::arguments::check_parsed_count;
use crate::object::arguments::keyword_count;
use crate::object::error::PyResult;
use crate::object::header::{Header, new_object};
use crate::object::native::GetSet;
use crate::object::slots::Slots;
use crate::object::value::{Value, payload};
use crate::object::value_vec::ValueCell;
use crate::object::{TypeObject, attribute};
use crate::types::exceptions::{system_error, type_error};

/// The body of what makes a step of a task.
#[repr(C)]
pub struct StepWrapper {
    header: Header,
    task: ValueCell,
    /// The exception to raise in the coroutine.
    exception: ValueCell,
}

payload!(StepWrapper, STEP_WRAPPER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.task.visit(visit);
        self.exception.visit(visit);
    }
    fn clear_references(&self) {
        drop((self.task.take(), self.exception.take()));
    }
});

/// The type object of what makes a step of a task.
pub static STEP_WRAPPER: TypeObject = TypeObject::define::<StepWrapper>("TaskStepMethWrapper")
    .slots(Slots {
        call: Some(|this, args, kwnames| {
            check_no_keywords(kwnames)?;
            if !args.is_empty() {
                return Err(type_error("function takes no positional arguments"));
            }
            let Some(body) = this.exact::<StepWrapper>() else { return Err(system_error("not a step of a task")) };
            task_step::step(&task_of(&body.task)?, body.exception.get())
        }),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(&[GetSet::read_only("__self__", |this| {
        Ok(this.exact::<StepWrapper>().and_then(|body| body.task.get()).unwrap_or(Value::NONE))
    })]);

/// The body of what wakes a task up.
#[repr(C)]
pub struct WakeupWrapper {
    header: Header,
    task: ValueCell,
}

payload!(WakeupWrapper, WAKEUP_WRAPPER, {
    const GC: bool = true;
    fn traverse(&self, visit: Visit<'_>) {
        self.task.visit(visit);
    }
    fn clear_references(&self) {
        drop(self.task.take());
    }
});

/// The type object of what wakes a task up.
pub static WAKEUP_WRAPPER: TypeObject = TypeObject::define::<WakeupWrapper>("TaskWakeupMethWrapper")
    .slots(Slots {
        call: Some(|this, args, kwnames| {
            check_no_keywords(kwnames)?;
            check_parsed_count(args.len(), 1, 1)?;
            let Some(body) = this.exact::<WakeupWrapper>() else { return Err(system_error("not a wakeup of a task")) };
            match args {
                [future] => task_step::wake_up(&task_of(&body.task)?, future),
                _ => Ok(Value::NONE),
            }
        }),
        getattr: Some(attribute::generic_get),
        ..Slots::EMPTY
    })
    .getset(&[GetSet::read_only("__self__", |this| {
        Ok(this.exact::<WakeupWrapper>().and_then(|body| body.task.get()).unwrap_or(Value::NONE))
    })]);

fn check_no_keywords(kwnames: Option<&Value>) -> PyResult<()> {
    match keyword_count(kwnames) {
        0 => Ok(()),
        _ => Err(type_error("function takes no keyword arguments")),
    }
}

/// The task, which the collector may have taken away.
fn task_of(task: &ValueCell) -> PyResult<Value> {
    task.get().ok_or_else(|| system_error("the task is gone"))
}

/// What makes a step of the task, with an exception raised in its coroutine if there is one.
pub(super) fn new_step(task: &Value, exception: Option<Value>) -> Value {
    new_object(StepWrapper {
        header: Header::new(&STEP_WRAPPER),
        task: ValueCell::new(Some(task.clone())),
        exception: ValueCell::new(exception),
    })
}

/// What wakes the task up, called with the future that it waited for.
pub(super) fn new_wakeup(task: &Value) -> Value {
    new_object(WakeupWrapper { header: Header::new(&WAKEUP_WRAPPER), task: ValueCell::new(Some(task.clone())) })
}
