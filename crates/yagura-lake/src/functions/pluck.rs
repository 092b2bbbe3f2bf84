//! `pluck(list, 'member')`: one member of each struct in a list, as a list.
//! With `array_has` it asks for a value anywhere in a list: `array_has(pluck(list, 'arn'), …)`.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::cast::{as_list_array, as_struct_array};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{literal_text, returned};

/// See the file's first line.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pluck {
    signature: Signature,
}

impl Default for Pluck {
    fn default() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Pluck {
    fn name(&self) -> &'static str {
        "pluck"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("`pluck` takes a list of structs and the name of a member")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let list = args.arg_fields.first().map(|field| field.data_type());
        let name = args.scalar_arguments.get(1).copied().flatten().and_then(literal_text);
        let (Some(DataType::List(item)), Some(name)) = (list, name) else {
            return plan_err!("`pluck` takes a list of structs and the name of a member");
        };
        let DataType::Struct(members) = item.data_type() else {
            return plan_err!("`pluck` takes a list of structs and the name of a member");
        };
        let Some(member) = members.iter().find(|member| member.name() == name) else {
            let names: Vec<&str> = members.iter().map(|member| member.name().as_str()).collect();
            return plan_err!("there is no member `{name}` (there are: {})", names.join(", "));
        };
        Ok(Arc::new(Field::new(self.name(), list_of(member.data_type()), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (Some(list), Some(ColumnarValue::Scalar(name))) = (args.args.first(), args.args.get(1))
        else {
            return plan_err!("`pluck` takes a list of structs and the name of a member");
        };
        let list = list.to_array(args.number_rows)?;
        let list = as_list_array(&list)?;
        let items: &StructArray = as_struct_array(list.values())?;
        let Some(member) = literal_text(name).and_then(|name| items.column_by_name(name)) else {
            return plan_err!("`pluck` takes a list of structs and the name of a member");
        };
        // A member of a null struct is null, whatever stands below.
        let nulls = arrow::buffer::NullBuffer::union(items.nulls(), member.nulls());
        let data = member.to_data().into_builder().nulls(nulls).build()?;
        let DataType::List(field) = list_of(member.data_type()) else {
            return plan_err!("`pluck` takes a list of structs and the name of a member");
        };
        let plucked: ArrayRef = Arc::new(ListArray::try_new(
            field,
            list.offsets().clone(),
            arrow::array::make_array(data),
            list.nulls().cloned(),
        )?);
        returned(&args, plucked)
    }
}

fn list_of(item: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item.clone(), true)))
}
