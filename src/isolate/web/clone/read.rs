//! Reading a clone. Every count is checked against the bytes there are before anything is made of
//! it.

use super::{DEPTH_MAX, ERROR_NAMES, FORMAT, Uncloneable, tag};
use crate::isolate::web::blob::{BlobData, blob, file_of};
use crate::isolate::web::bytes::{array_buffer, from_latin1, text};
use crate::isolate::web::interface::web_member;
use boa_engine::builtins::typed_array::TypedArrayKind;
use boa_engine::object::builtins::{JsArray, JsArrayBuffer, JsDate, JsMap, JsRegExp, JsSet};
use boa_engine::property::{PropertyDescriptor, PropertyKey};
use boa_engine::{Context, JsBigInt, JsError, JsObject, JsString, JsValue, js_string};

/// Why bytes were not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("The clone is malformed")]
    Malformed,
    #[error("The clone is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("{0}")]
    Thrown(JsError),
}

impl From<JsError> for ReadError {
    fn from(error: JsError) -> Self {
        Self::Thrown(error)
    }
}

type Read<T> = Result<T, ReadError>;

pub(super) struct Reader<'bytes> {
    bytes: &'bytes [u8],
    // By number; those that cannot be met again before they are whole are filled in late.
    objects: Vec<Option<JsObject>>,
    keys: Vec<PropertyKey>,
    depth: usize,
}

impl<'bytes> Reader<'bytes> {
    pub(super) fn new(bytes: &'bytes [u8], moved: &[JsObject]) -> Self {
        Self {
            bytes,
            objects: moved.iter().cloned().map(Some).collect(),
            keys: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn run(mut self, context: &mut Context) -> Read<JsValue> {
        if self.byte()? != FORMAT {
            return Err(ReadError::Malformed);
        }
        let value = self.value(context)?;
        if self.bytes.is_empty() {
            Ok(value)
        } else {
            Err(ReadError::Malformed)
        }
    }

    fn byte(&mut self) -> Read<u8> {
        let (byte, rest) = self.bytes.split_first().ok_or(ReadError::Malformed)?;
        self.bytes = rest;
        Ok(*byte)
    }

    fn take(&mut self, length: usize) -> Read<&'bytes [u8]> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or(ReadError::Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| ReadError::Malformed)
    }

    fn count(&mut self) -> Read<u64> {
        let mut count = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            count |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(count);
            }
        }
        Err(ReadError::Malformed)
    }

    /// A count of things that take at least a byte each.
    fn length(&mut self) -> Read<usize> {
        let length = usize::try_from(self.count()?).map_err(|_| ReadError::Malformed)?;
        if length <= self.bytes.len() {
            Ok(length)
        } else {
            Err(ReadError::Malformed)
        }
    }

    fn value(&mut self, context: &mut Context) -> Read<JsValue> {
        let value = match self.byte()? {
            tag::UNDEFINED => JsValue::undefined(),
            tag::NULL => JsValue::null(),
            tag::TRUE => JsValue::from(true),
            tag::FALSE => JsValue::from(false),
            tag::INTEGER => {
                let zigzag = u32::try_from(self.count()?).map_err(|_| ReadError::Malformed)?;
                JsValue::from((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
            }
            tag::NUMBER => JsValue::from(self.number()?),
            tag::BIGINT_SMALL => {
                let small = i64::from_le_bytes(self.array()?);
                JsValue::from(JsBigInt::from(small))
            }
            tag::BIGINT => self.bigint()?.into(),
            tag::STRING_NARROW => self.narrow()?.into(),
            tag::STRING_WIDE => self.wide()?.into(),
            tag::SEEN => {
                let number = usize::try_from(self.count()?).map_err(|_| ReadError::Malformed)?;
                let object = self.objects.get(number).cloned().flatten();
                object.ok_or(ReadError::Malformed)?.into()
            }
            object => return self.object(object, context),
        };
        Ok(value)
    }

    fn number(&mut self) -> Read<f64> {
        let number = f64::from_le_bytes(self.array()?);
        // Only one NaN is let in: the engine keeps values in the others.
        Ok(if number.is_nan() { f64::NAN } else { number })
    }

    fn bigint(&mut self) -> Read<JsBigInt> {
        let length = self.length()?;
        let digits = std::str::from_utf8(self.take(length)?).map_err(|_| ReadError::Malformed)?;
        let unsigned = digits.strip_prefix('-').unwrap_or(digits);
        if unsigned.is_empty() || !unsigned.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(ReadError::Malformed);
        }
        JsBigInt::from_string_radix(digits, 16).ok_or(ReadError::Malformed)
    }

    fn narrow(&mut self) -> Read<JsString> {
        let length = self.length()?;
        Ok(from_latin1(self.take(length)?))
    }

    fn wide(&mut self) -> Read<JsString> {
        let length = self.length()?;
        let bytes = self.take(length.checked_mul(2).ok_or(ReadError::Malformed)?)?;
        let units = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        Ok(JsString::from(units.collect::<Vec<u16>>().as_slice()))
    }

    fn string(&mut self) -> Read<JsString> {
        match self.byte()? {
            tag::STRING_NARROW => self.narrow(),
            tag::STRING_WIDE => self.wide(),
            _ => Err(ReadError::Malformed),
        }
    }

    fn object(&mut self, tag: u8, context: &mut Context) -> Read<JsValue> {
        if self.depth >= DEPTH_MAX {
            return Err(ReadError::TooDeep);
        }
        self.depth += 1;
        let number = self.objects.len();
        self.objects.push(None);
        let object = match tag {
            tag::OBJECT => self.plain(number, context)?,
            tag::ARRAY => self.array_of_its_own(context)?,
            tag::ARRAY_SHARED => self.array_shared(number, context)?,
            tag::ARRAY_SPARSE => self.array_sparse(number, context)?,
            tag::MAP => self.map(number, context)?,
            tag::SET => self.set(number, context)?,
            _ => self.other(tag, number, context)?,
        };
        self.objects[number] = Some(object.clone());
        self.depth -= 1;
        Ok(object.into())
    }

    fn plain(&mut self, number: usize, context: &mut Context) -> Read<JsObject> {
        let object = JsObject::with_object_proto(context.intrinsics());
        self.objects[number] = Some(object.clone());
        self.properties(&object, context)?;
        Ok(object)
    }

    /// Fills an ordinary object that no one else has yet.
    fn properties(&mut self, object: &JsObject, context: &mut Context) -> Read<()> {
        while let Some(key) = self.key()? {
            let value = self.value(context)?;
            object.create_data_property_or_throw(key, value, context)?;
        }
        Ok(())
    }

    fn key(&mut self) -> Read<Option<PropertyKey>> {
        let key = match self.byte()? {
            tag::KEY_END => return Ok(None),
            tag::KEY_INDEX => {
                let index = u32::try_from(self.count()?).map_err(|_| ReadError::Malformed)?;
                return Ok(Some(PropertyKey::from(index)));
            }
            tag::KEY_SEEN => {
                let number = usize::try_from(self.count()?).map_err(|_| ReadError::Malformed)?;
                return self
                    .keys
                    .get(number)
                    .cloned()
                    .map(Some)
                    .ok_or(ReadError::Malformed);
            }
            tag::KEY_NARROW => PropertyKey::from(self.narrow()?),
            tag::KEY_WIDE => PropertyKey::from(self.wide()?),
            _ => return Err(ReadError::Malformed),
        };
        self.keys.push(key.clone());
        Ok(Some(key))
    }

    fn array_of_its_own(&mut self, context: &mut Context) -> Read<JsObject> {
        let length = self.length()?;
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(self.value(context)?);
        }
        let array = JsObject::from(JsArray::from_iter(items, context));
        self.properties(&array, context)?;
        Ok(array)
    }

    fn array_shared(&mut self, number: usize, context: &mut Context) -> Read<JsObject> {
        let length = self.length()?;
        let array = JsObject::from(JsArray::new(context)?);
        self.objects[number] = Some(array.clone());
        for index in 0..length {
            let value = self.value(context)?;
            array.create_data_property_or_throw(index, value, context)?;
        }
        self.properties(&array, context)?;
        Ok(array)
    }

    fn array_sparse(&mut self, number: usize, context: &mut Context) -> Read<JsObject> {
        let length = u32::try_from(self.count()?).map_err(|_| ReadError::Malformed)?;
        let array = JsObject::from(JsArray::new(context)?);
        array.set(js_string!("length"), length, true, context)?;
        self.objects[number] = Some(array.clone());
        self.properties(&array, context)?;
        Ok(array)
    }

    fn map(&mut self, number: usize, context: &mut Context) -> Read<JsObject> {
        let count = self.length()?;
        let map = JsMap::new(context);
        self.objects[number] = Some(map.clone().into());
        for _ in 0..count {
            let key = self.value(context)?;
            let value = self.value(context)?;
            map.set(key, value, context)?;
        }
        Ok(map.into())
    }

    fn set(&mut self, number: usize, context: &mut Context) -> Read<JsObject> {
        let count = self.length()?;
        let set = JsSet::new(context);
        self.objects[number] = Some(set.clone().into());
        for _ in 0..count {
            let item = self.value(context)?;
            set.add(item, context)?;
        }
        Ok(set.into())
    }

    fn other(&mut self, tag: u8, number: usize, context: &mut Context) -> Read<JsObject> {
        match tag {
            tag::DATE => {
                let time = self.number()?;
                let date = JsDate::new(context);
                date.set_time(time, context)?;
                Ok(date.into())
            }
            tag::REGEXP => {
                let (source, flags) = (self.string()?, self.string()?);
                Ok(JsRegExp::new(source, flags, context)?.into())
            }
            tag::ERROR => self.error(number, context),
            tag::DOM_EXCEPTION => self.dom_exception(context),
            tag::ARRAY_BUFFER => {
                let length = self.length()?;
                Ok(array_buffer(self.take(length)?, context)?.into())
            }
            tag::BLOB => Ok(blob(self.blob()?, context)),
            tag::FILE => {
                let (name, last_modified) = (self.string()?, self.number()?);
                Ok(file_of(self.blob()?, name, last_modified, context))
            }
            tag::TYPED_ARRAY => {
                let kind = self.byte()?;
                self.view(
                    Some(kind_of_number(kind).ok_or(ReadError::Malformed)?),
                    context,
                )
            }
            tag::DATA_VIEW => self.view(None, context),
            tag::SHAPED => self.shaped(context),
            tag::BOXED => {
                let value = self.value(context)?;
                if value.is_object() {
                    return Err(ReadError::Malformed);
                }
                Ok(value.to_object(context)?)
            }
            _ => Err(ReadError::Malformed),
        }
    }

    fn shaped(&mut self, context: &mut Context) -> Read<JsObject> {
        let place = usize::try_from(self.count()?).map_err(|_| ReadError::Malformed)?;
        let host = context.realm().host_defined();
        let classes = host.get::<Uncloneable>();
        let class = classes.and_then(|classes| classes.shaped.get(place).cloned());
        drop(host);
        let class = class.ok_or(ReadError::Malformed)?;
        let form = self.value(context)?;
        let made = class.read.call(&JsValue::undefined(), &[form], context)?;
        made.as_object().ok_or(ReadError::Malformed)
    }

    fn blob(&mut self) -> Read<BlobData> {
        let kind = self.string()?;
        let length = self.length()?;
        Ok(BlobData::new(
            self.take(length)?.to_vec(),
            text(&kind).into_owned(),
        ))
    }

    fn error(&mut self, number: usize, context: &mut Context) -> Read<JsObject> {
        let kind = usize::from(self.byte()?);
        if kind >= ERROR_NAMES.len() {
            return Err(ReadError::Malformed);
        }
        let parts = self.byte()?;
        let constructors = context.intrinsics().constructors();
        let class = match kind {
            1 => constructors.eval_error(),
            2 => constructors.range_error(),
            3 => constructors.reference_error(),
            4 => constructors.syntax_error(),
            5 => constructors.type_error(),
            6 => constructors.uri_error(),
            _ => constructors.error(),
        };
        let error = class.constructor().construct(&[], None, context)?;
        self.objects[number] = Some(error.clone());
        for (part, name) in [
            (tag::ERROR_MESSAGE, "message"),
            (tag::ERROR_NAME, "name"),
            (tag::ERROR_STACK, "stack"),
        ] {
            if parts & part != 0 {
                hidden(&error, name, self.string()?.into());
            }
        }
        if parts & tag::ERROR_CAUSE != 0 {
            let cause = self.value(context)?;
            hidden(&error, "cause", cause);
        }
        Ok(error)
    }

    fn dom_exception(&mut self, context: &mut Context) -> Read<JsObject> {
        let (message, name, stack) = (self.string()?, self.string()?, self.string()?);
        let class = web_member("DOMException", context)?;
        let class = class.as_constructor().ok_or(ReadError::Malformed)?;
        let exception = class.construct(&[message.into(), name.into()], None, context)?;
        hidden(&exception, "stack", stack.into());
        Ok(exception)
    }

    fn view(&mut self, kind: Option<TypedArrayKind>, context: &mut Context) -> Read<JsObject> {
        let (start, bytes) = (self.count()?, self.count()?);
        let buffer = self.value(context)?;
        let data = buffer
            .as_object()
            .and_then(|object| JsArrayBuffer::from_object(object).ok());
        let data = data.ok_or(ReadError::Malformed)?;
        let room = data.byte_length() as u64;
        if start.checked_add(bytes).is_none_or(|end| end > room) {
            return Err(ReadError::Malformed);
        }
        let constructors = context.intrinsics().constructors();
        let (class, size) = match kind {
            None => (constructors.data_view(), 1),
            Some(TypedArrayKind::Int8) => (constructors.typed_int8_array(), 1),
            Some(TypedArrayKind::Uint8) => (constructors.typed_uint8_array(), 1),
            Some(TypedArrayKind::Uint8Clamped) => (constructors.typed_uint8clamped_array(), 1),
            Some(TypedArrayKind::Int16) => (constructors.typed_int16_array(), 2),
            Some(TypedArrayKind::Uint16) => (constructors.typed_uint16_array(), 2),
            Some(TypedArrayKind::Float16) => (constructors.typed_float16_array(), 2),
            Some(TypedArrayKind::Int32) => (constructors.typed_int32_array(), 4),
            Some(TypedArrayKind::Uint32) => (constructors.typed_uint32_array(), 4),
            Some(TypedArrayKind::Float32) => (constructors.typed_float32_array(), 4),
            Some(TypedArrayKind::BigInt64) => (constructors.typed_bigint64_array(), 8),
            Some(TypedArrayKind::BigUint64) => (constructors.typed_biguint64_array(), 8),
            Some(TypedArrayKind::Float64) => (constructors.typed_float64_array(), 8),
        };
        let arguments = [
            buffer,
            JsValue::from(start as f64),
            JsValue::from((bytes / size) as f64),
        ];
        Ok(class.constructor().construct(&arguments, None, context)?)
    }
}

/// Defines a property as those of errors are.
fn hidden(object: &JsObject, name: &str, value: JsValue) {
    let property = PropertyDescriptor::builder()
        .value(value)
        .writable(true)
        .enumerable(false)
        .configurable(true);
    object.insert_property(JsString::from(name), property.build());
}

fn kind_of_number(number: u8) -> Option<TypedArrayKind> {
    let kind = match number {
        0 => TypedArrayKind::Int8,
        1 => TypedArrayKind::Uint8,
        2 => TypedArrayKind::Uint8Clamped,
        3 => TypedArrayKind::Int16,
        4 => TypedArrayKind::Uint16,
        5 => TypedArrayKind::Int32,
        6 => TypedArrayKind::Uint32,
        7 => TypedArrayKind::BigInt64,
        8 => TypedArrayKind::BigUint64,
        9 => TypedArrayKind::Float16,
        10 => TypedArrayKind::Float32,
        11 => TypedArrayKind::Float64,
        _ => return None,
    };
    Some(kind)
}
