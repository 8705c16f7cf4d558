//! Custom metadata fields.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::body::{self, Params};
use super::caller::{Caller, MetadataRead, MetadataWrite};
use super::openapi::{refusals, replies, requests, schemas};
use super::params::Query;
use super::{AppState, FromSdk, WireId, reply};
use crate::app::App;
use crate::error::{Refusal, Result};
use crate::library::custom_fields::{self, FieldChange, NewField, Show};
use crate::model::custom_field::{Faults, Field, Schema, check_description, check_name};
use crate::model::ids::CustomFieldId;

/// Set by current SDKs when they send a request again.
const RETRY_COUNT: &str = "x-stainless-retry-count";

#[utoipa::path(
    post, path = "/v1/customMetadataFields", operation_id = "createCustomMetadataField", tag = "custom metadata",
    request_body = requests::CreateField,
    summary = "Create a field", description = "Files that are there already get no value by it.",
    responses((status = 201, description = "The new field", body = schemas::Field), refusals::CreateField)
)]
/// `POST /v1/customMetadataFields`
pub async fn create(
    State(app): AppState,
    _: Caller<MetadataWrite>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let params = body::read(&app, &headers, content).await?;
    let new = new_field(&params)?;
    let count = headers.get(RETRY_COUNT).and_then(|count| count.to_str().ok()?.parse::<u32>().ok());
    let field = custom_fields::create(&app, new, count.is_some_and(|count| count > 0)).await?;
    Ok(reply::json(StatusCode::CREATED, &represent(&app, &field)))
}

/// What is wrong with the field itself is told together with what is wrong with its schema.
fn new_field(params: &Params) -> Result<NewField, Refusal> {
    let mut faults = Faults::default();
    let name = faults.take("name", check_name(params.value("name")));
    let label = faults.take("label", check_name(params.value("label")));
    let description = faults.take("description", check_description(params.value("description")));
    let schema = match given(params, "schema") {
        Some(Value::Object(sent)) => match Schema::parse(sent, None) {
            Ok(schema) => Some(schema),
            Err(of_schema) if faults.is_empty() => return Err(Refusal::InvalidSchemaObject(of_schema)),
            Err(of_schema) => {
                faults.extend(of_schema);
                None
            }
        },
        Some(_) => {
            faults.add("schema", "should be of type object");
            None
        }
        None => {
            faults.add("schema", "is required");
            None
        }
    };
    match (name, label, description, schema) {
        (Some(name), Some(label), Some(description), Some(schema)) => Ok(NewField { name, label, schema, description }),
        _ => Err(Refusal::InvalidFieldObject(faults)),
    }
}

#[utoipa::path(
    get, path = "/v1/customMetadataFields", operation_id = "listCustomMetadataFields", tag = "custom metadata",
    params(requests::ListFields),
    summary = "List the fields", description = "All of them; they apply to every folder.",
    responses((status = 200, description = "The fields", body = [schemas::Field]))
)]
/// `GET /v1/customMetadataFields`. All fields apply to every folder, so `folderPath` changes nothing.
pub async fn list(
    State(app): AppState,
    _: Caller<MetadataRead>,
    uri: Uri,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    // One old client sends the parameters of a GET as a form. Whatever else a body may hold is none of this call.
    let sent = body::read(&app, &headers, content).await.ok();
    let flag = Query::of(&uri).get("includeDeleted").map(|text| Value::from(text.to_owned()));
    let flag = flag.or_else(|| given(sent.as_ref()?, "includeDeleted").cloned());
    let show = if flag.is_some_and(|flag| is_true(&flag)) { Show::WithDeleted } else { Show::Active };
    let fields = custom_fields::list(&app, show).await?;
    let objects: Vec<Value> = fields.iter().map(|field| represent(&app, field)).collect();
    Ok(reply::json(StatusCode::OK, &objects.into()))
}

/// Whatever is not true in one of its spellings is false: old clients send `undefined` for what was not set.
fn is_true(flag: &Value) -> bool {
    match flag {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.trim().eq_ignore_ascii_case("true") || text.trim() == "1",
        Value::Number(number) => number.as_u64() == Some(1),
        _ => false,
    }
}

#[utoipa::path(
    patch, path = "/v1/customMetadataFields/{id}", operation_id = "updateCustomMetadataField", tag = "custom metadata",
    params(requests::FieldId), request_body = requests::UpdateField,
    summary = "Change a field", description = "Its name and its type stay. Values that files have are not looked at again.",
    responses((status = 200, description = "The field, changed", body = schemas::Field), refusals::UpdateField)
)]
/// `PATCH /v1/customMetadataFields/{id}`
pub async fn update(
    State(app): AppState,
    _: Caller<MetadataWrite>,
    id: WireId,
    headers: HeaderMap,
    content: Body,
) -> Result<Response> {
    let id = field_id(id)?;
    let params = body::read(&app, &headers, content).await?;
    let change = change(&params)?;
    let field = custom_fields::update(&app, id.ok_or(Refusal::NoField)?, change).await?;
    Ok(reply::json(StatusCode::OK, &represent(&app, &field)))
}

fn change(params: &Params) -> Result<FieldChange, Refusal> {
    if given(params, "name").is_some() {
        return Err(Refusal::FieldNameFixed);
    }
    let (label, schema) = (given(params, "label"), given(params, "schema"));
    let names_description = params.value("description").is_some();
    if label.is_none() && schema.is_none() && !names_description {
        return Err(Refusal::NoFieldChange);
    }
    let has_label = label.is_some();
    let mut faults = Faults::default();
    let label = label.and_then(|label| faults.take("label", check_name(Some(label))));
    let description = faults.take("description", check_description(params.value("description")));
    let schema: Option<Map<String, Value>> = match schema {
        Some(Value::Object(schema)) => Some(schema.clone()),
        // One old client sends the label once more under this key.
        Some(_) if !has_label => {
            faults.add("schema", "should be of type object");
            None
        }
        _ => None,
    };
    // `null` unsets it, as an empty text does.
    let description = description.filter(|_| names_description);
    faults.unless_any(FieldChange { label, schema, description }).map_err(Refusal::InvalidFieldObject)
}

#[utoipa::path(
    delete,
    path = "/v1/customMetadataFields/{id}",
    operation_id = "deleteCustomMetadataField",
    tag = "custom metadata",
    params(requests::FieldId),
    summary = "Delete a field",
    description = "Its values are no longer shown. Its name stays taken.",
    responses(replies::Nothing, refusals::Field)
)]
/// `DELETE /v1/customMetadataFields/{id}`
pub async fn delete(
    State(app): AppState,
    _: Caller<MetadataWrite>,
    FromSdk(from_sdk): FromSdk,
    id: WireId,
) -> Result<Response> {
    custom_fields::delete(&app, field_id(id)?.ok_or(Refusal::NoField)?).await?;
    Ok(reply::nothing(from_sdk))
}

/// `PATCH` and `DELETE` of all fields.
pub async fn missing_id(_: Caller<MetadataWrite>) -> Result<Response> {
    Err(Refusal::MissingFieldId.into())
}

/// The values of an upload form: the text of a JSON object. Old clients write what is not set as text too.
pub fn of_form(text: Option<&str>) -> Result<Option<Map<String, Value>>, Refusal> {
    let Some(text) = text.map(str::trim).filter(|text| !["", "undefined", "null"].contains(text)) else {
        return Ok(None);
    };
    // What is no JSON at all is no object either.
    let values = serde_json::from_str(text).unwrap_or_default();
    Ok(Some(custom_fields::sent(&values)?.clone()))
}

/// A parameter that is not `null`.
fn given<'a>(params: &'a Params, name: &str) -> Option<&'a Value> {
    params.value(name).filter(|value| !value.is_null())
}

/// The number behind the id, which may be none of this library's.
fn field_id(WireId(id): WireId) -> Result<Option<CustomFieldId>, Refusal> {
    Ok(id.map_err(|_| Refusal::InvalidFieldId)?.map(CustomFieldId))
}

fn represent(app: &App, field: &Field) -> Value {
    let mut object = json!({
        "id": app.tag.wire(field.id.0),
        "name": field.name,
        "label": field.label,
        "schema": field.schema.to_json(),
    });
    if let Some(description) = &field.description {
        object["description"] = description.as_str().into();
    }
    if field.deleted {
        object["isDeleted"] = true.into();
    }
    object
}
