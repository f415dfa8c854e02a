"""The chat template, and the seal that keeps people's words from acting as marks."""

from __future__ import annotations

from typing import Any

SEAL = "\ufdd0"
"""A noncharacter that is put into every `<|` of people's text. Text is tokenised on either side of
it, and it is left out, so such text is written and read back as it was, but is no mark."""

_TEMPLATE = """
{%- macro codes(part) -%}
  {{- '<|' ~ part.type ~ ':begin|>' -}}
  {%- for code in part.codes -%}{{- '<|' ~ part.type ~ ':' ~ code ~ '|>' -}}{%- endfor -%}
  {{- '<|' ~ part.type ~ ':end|>' -}}
{%- endmacro -%}
{%- macro named(part) -%}
  {%- if tools and part.handle is defined -%}{{- part.handle -}}{%- endif -%}
{%- endmacro -%}
{%- macro body(content) -%}
  {%- if content is string -%}
    {{- content -}}
  {%- elif content -%}
    {%- for part in content -%}
      {%- if part.type == 'text' -%}
        {{- part.text -}}
      {%- elif part.codes is defined -%}
        {{- named(part) ~ codes(part) -}}
      {%- else -%}
        {{- named(part) ~ '<|open|><|media|><|close|>' -}}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{%- macro calls(message) -%}
  {%- for call in message.tool_calls or [] -%}
    {%- set call = call.function if call.function is defined else call -%}
    {%- set written = {'name': call.name, 'arguments': call.arguments} -%}
    {{- '<|call|>' ~ written | tojson ~ '<|/call|>' -}}
  {%- endfor -%}
{%- endmacro -%}
{%- if tools -%}
  {{- '<|system|>' -}}
  {%- if messages and messages[0].role == 'system' -%}
    {{- body(messages[0].content) ~ '\\n' -}}
    {%- set messages = messages[1:] -%}
  {%- endif -%}
  {%- for tool in tools -%}TOOL{%- endfor -%}
  {{- '<|end|>' -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message.role == 'assistant' -%}
    {{- '<|assistant|>' -}}
    {%- generation -%}
    {{- body(message.content) ~ calls(message) ~ '<|end|>' -}}
    {%- endgeneration -%}
  {%- elif message.role in ['system', 'user', 'tool'] -%}
    {{- '<|' ~ message.role ~ '|>' ~ body(message.content) ~ '<|end|>' -}}
  {%- else -%}
    {{- raise_exception('a role is system, user, assistant or tool, not ' ~ message.role) -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
""".strip()

_WHOLE = "{{- tool | tojson ~ '\\n' -}}"
_SHORT = """
{%- set tool = tool.function if tool.function is defined else tool -%}
{{- tool.name ~ '(' ~ (tool.parameters.required or []) | join(', ') ~ ')\\n' -}}
""".strip()

CHAT_TEMPLATE = _TEMPLATE.replace("TOOL", _WHOLE)
"""Where there are tools, media are named by their handles, so that calls can tell them apart."""

SHORT_TOOLS_TEMPLATE = _TEMPLATE.replace("TOOL", _SHORT)
"""The same for a small model: of a tool it is told the name, and what must be given."""


def seal(value: Any) -> Any:
    """The same text, or nested lists and dictionaries of text, in which nothing is a mark."""
    if isinstance(value, str):
        return value.replace(SEAL, "").replace("<|", f"<{SEAL}|")
    if isinstance(value, dict):
        return {key: seal(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [seal(inner) for inner in value]
    return value
