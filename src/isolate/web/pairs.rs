//! Iteration over a list of pairs that may change meanwhile: `URLSearchParams` and `FormData`.

use super::interface::{create, function, keep_prototype, put, receiver, require, type_error};
use boa_engine::builtins::iterable::create_iter_result_object;
use boa_engine::object::NativeObject;
use boa_engine::property::PropertyDescriptor;
use boa_engine::{
    Context, Finalize, JsArgs, JsData, JsObject, JsResult, JsString, JsSymbol, JsValue, Trace,
};

/// The data of a class that iterates as pairs.
pub trait PairList: NativeObject {
    /// The pair at a position.
    fn pair(&self, index: usize) -> Option<(JsValue, JsValue)>;
}

/// What an iterator gives for each pair.
#[derive(Debug, Clone, Copy)]
enum Part {
    Name,
    Value,
    Both,
}

/// An iterator: it looks the next pair up when asked, so it sees changes.
#[derive(Trace, Finalize, JsData)]
struct PairIterator<T: PairList> {
    list: JsObject<T>,
    index: usize,
    #[unsafe_ignore_trace]
    part: Part,
}

/// Makes the class of the iterators of `T`, which has no constructor.
pub fn iterators<T: PairList>(name: &str, context: &mut Context) {
    let of_arrays = context.intrinsics().objects().iterator_prototypes().array();
    let prototype = JsObject::with_null_proto();
    // The prototype of array iterators is one step below what all iterators share.
    prototype.set_prototype(of_arrays.prototype());
    let next = function("next", 0, next::<T>, context);
    put(&prototype, "next", next);
    let tag = PropertyDescriptor::builder()
        .value(JsString::from(format!("{name} Iterator")))
        .writable(false)
        .enumerable(false)
        .configurable(true);
    prototype.insert_property(JsSymbol::to_string_tag(), tag.build());
    keep_prototype::<PairIterator<T>>(prototype, context);
}

/// The operation `entries`.
pub fn entries<T: PairList>(
    this: &JsValue,
    _: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    iterator::<T>(this, Part::Both, context)
}

/// The operation `keys`.
pub fn keys<T: PairList>(
    this: &JsValue,
    _: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    iterator::<T>(this, Part::Name, context)
}

/// The operation `values`.
pub fn values<T: PairList>(
    this: &JsValue,
    _: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    iterator::<T>(this, Part::Value, context)
}

/// The operation `forEach`.
pub fn for_each<T: PairList>(
    this: &JsValue,
    arguments: &[JsValue],
    context: &mut Context,
) -> JsResult<JsValue> {
    let list = receiver::<T>(this)?;
    require(arguments, 1, "forEach")?;
    let Some(callback) = arguments.get_or_undefined(0).as_callable() else {
        return Err(type_error("forEach: the callback is not a function"));
    };
    let callback_this = arguments.get_or_undefined(1);
    let mut index = 0;
    loop {
        let pair = list.borrow().data().pair(index);
        let Some((name, value)) = pair else {
            return Ok(JsValue::undefined());
        };
        callback.call(callback_this, &[value, name, this.clone()], context)?;
        index += 1;
    }
}

fn iterator<T: PairList>(this: &JsValue, part: Part, context: &mut Context) -> JsResult<JsValue> {
    let list = receiver::<T>(this)?;
    Ok(create(
        PairIterator {
            list,
            index: 0,
            part,
        },
        context,
    )
    .into())
}

fn next<T: PairList>(this: &JsValue, _: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let this = receiver::<PairIterator<T>>(this)?;
    let (pair, part) = {
        let mut this = this.borrow_mut();
        let iterator = this.data_mut();
        let pair = iterator.list.borrow().data().pair(iterator.index);
        // Past the end it stays there: pairs added later are not seen.
        iterator.index = if pair.is_some() {
            iterator.index + 1
        } else {
            usize::MAX
        };
        (pair, iterator.part)
    };
    let Some((name, value)) = pair else {
        return Ok(create_iter_result_object(
            JsValue::undefined(),
            true,
            context,
        ));
    };
    let item = match part {
        Part::Name => name,
        Part::Value => value,
        Part::Both => {
            boa_engine::object::builtins::JsArray::from_iter([name, value], context).into()
        }
    };
    Ok(create_iter_result_object(item, false, context))
}
