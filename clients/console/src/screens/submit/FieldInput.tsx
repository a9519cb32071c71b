import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormHelperText from "@mui/material/FormHelperText";
import TextField from "@mui/material/TextField";
import type { Field, ScalarField } from "../../domain/forms/model";
import { emptyValue, type FormValue, type FormValues, isTexts } from "../../domain/forms/values";
import { plain } from "../../domain/text";

export type Faults = ReadonlyMap<string, readonly string[]>;

export interface FieldInputProps {
  readonly field: Field;
  readonly value: FormValue;
  readonly path: string;
  readonly faults: Faults;
  readonly onChange: (value: FormValue) => void;
}

/** The input of one field of a form that is made of a schema. */
export function FieldInput(props: FieldInputProps) {
  switch (props.field.kind) {
    case "group":
      return <GroupInput {...props} fields={props.field.fields} />;
    case "list":
      return <ListInput {...props} item={props.field.item} />;
    default:
      return <OneInput {...props} />;
  }
}

/** The inputs of several fields, one below the other. */
export function FieldInputs({
  fields,
  values,
  prefix,
  faults,
  onChange,
}: {
  fields: readonly Field[];
  values: FormValues;
  prefix: string;
  faults: Faults;
  onChange: (values: FormValues) => void;
}) {
  return (
    <Box sx={{ display: "grid", gap: 2 }}>
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={values[field.name]}
          path={`${prefix}.${field.name}`}
          faults={faults}
          onChange={(value) => onChange({ ...values, [field.name]: value })}
        />
      ))}
    </Box>
  );
}

function OneInput({ field, value, path, faults, onChange }: FieldInputProps) {
  const messages = faults.get(path);
  const said = { error: messages !== undefined, helperText: helpOf(field, messages) };
  const text = typeof value === "string" ? value : "";
  const change = (typed: string) => onChange(typed === "" ? cleared(field) : typed);
  const common = {
    label: plain(field.title),
    required: field.required,
    value: text,
    fullWidth: true,
    onChange: (event: { target: { value: string } }) => change(event.target.value),
    ...said,
  };
  if (field.kind === "json") {
    return (
      <TextField
        {...common}
        label={`${plain(field.title)} (JSON)`}
        multiline
        minRows={2}
        maxRows={16}
        slotProps={{ htmlInput: { spellCheck: false, style: { fontFamily: "monospace" } } }}
      />
    );
  }
  if (field.kind === "boolean" || field.kind === "choice") {
    const choices =
      field.kind === "boolean" ? ["true", "false"] : field.values.map((each) => JSON.stringify(each));
    return (
      <TextField {...common} select slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}>
        <option value="">{field.required ? "choose" : "left out"}</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {plain(choice.replace(/^"(.*)"$/, "$1"))}
          </option>
        ))}
      </TextField>
    );
  }
  return (
    <TextField
      {...common}
      slotProps={field.kind === "number" ? { htmlInput: { inputMode: "decimal" } } : {}}
    />
  );
}

/** Returns what a field holds once its text is taken away. */
function cleared(field: Field): FormValue {
  if (field.nullable) return field.required ? null : undefined;
  return field.required ? "" : undefined;
}

function helpOf(field: Field, messages: readonly string[] | undefined): string {
  if (messages !== undefined) return plain(messages.join("; "));
  const preset = field.preset === undefined ? "" : `left out: ${JSON.stringify(field.preset)}`;
  return plain(
    [field.description, preset, field.required && field.nullable ? "empty: null" : ""]
      .filter(Boolean)
      .join(" · "),
  );
}

function GroupInput({
  field,
  fields,
  value,
  path,
  faults,
  onChange,
}: FieldInputProps & { fields: readonly Field[] }) {
  const given = typeof value === "object" && value !== null && !isTexts(value) ? value : null;
  const isOptional = !field.required || field.nullable;
  const begun = emptyValue({ ...field, nullable: false });
  return (
    <Box
      component="fieldset"
      sx={{ border: 1, borderColor: "divider", borderRadius: 1, p: 2, m: 0, minWidth: 0 }}
    >
      <legend>{plain(field.title)}</legend>
      <Help field={field} messages={faults.get(path)} />
      {isOptional ? (
        <FormControlLabel
          control={
            <Checkbox
              checked={given !== null}
              onChange={(_, checked) => onChange(checked ? begun : field.required ? null : undefined)}
            />
          }
          label={`give ${plain(field.title)}`}
        />
      ) : null}
      {given === null ? null : (
        <FieldInputs fields={fields} values={given} prefix={path} faults={faults} onChange={onChange} />
      )}
    </Box>
  );
}

function ListInput({ field, item, value, path, faults, onChange }: FieldInputProps & { item: ScalarField }) {
  const texts = isTexts(value) ? value : [];
  const change = (next: readonly string[]) =>
    onChange(next.length === 0 && !field.required ? undefined : next);
  return (
    <Box
      component="fieldset"
      sx={{ border: 1, borderColor: "divider", borderRadius: 1, p: 2, m: 0, minWidth: 0 }}
    >
      <legend>{plain(field.title)}</legend>
      <Help field={field} messages={faults.get(path)} />
      <Box sx={{ display: "grid", gap: 1.5 }}>
        {texts.map((text, at) => {
          const one: Field = {
            ...item,
            name: String(at),
            title: `${field.title} ${at + 1}`,
            description: "",
            required: true,
            nullable: false,
            preset: undefined,
          };
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: an item of a list has no name but its place
            <Box key={at} sx={{ display: "flex", gap: 1, alignItems: "flex-start" }}>
              <OneInput
                field={one}
                value={text}
                path={`${path}[${at}]`}
                faults={faults}
                onChange={(typed) => change(texts.with(at, typeof typed === "string" ? typed : ""))}
              />
              <Button
                aria-label={`remove ${plain(field.title)} ${at + 1}`}
                onClick={() => change(texts.toSpliced(at, 1))}
              >
                Remove
              </Button>
            </Box>
          );
        })}
      </Box>
      <Button sx={{ mt: 1 }} onClick={() => change([...texts, ""])}>
        Add to {plain(field.title)}
      </Button>
    </Box>
  );
}

function Help({ field, messages }: { field: Field; messages: readonly string[] | undefined }) {
  const text = helpOf(field, messages);
  return text === "" ? null : (
    <FormHelperText error={messages !== undefined} sx={{ mb: 1 }}>
      {text}
    </FormHelperText>
  );
}
