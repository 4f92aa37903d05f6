{{/* Never change these: a Deployment's selector is for ever. */}}
{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/part-of: mpp
{{- end }}

{{- define "service.labels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Values.global.image.tag | quote }}
{{- end }}

{{- define "service.image" -}}
{{- $name := printf "%s/mpp-%s" .Values.global.image.registry .Values.name -}}
{{- if .Values.image.digest }}{{ $name }}@{{ .Values.image.digest }}{{ else }}{{ $name }}:{{ .Values.global.image.tag }}{{ end -}}
{{- end }}

{{- define "service.secret" -}}
- name: {{ .as }}
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
{{- end }}

{{/* Whom this service calls, as it is told in MPP_OWNERS. */}}
{{- define "service.owners" -}}
{{- $owners := dict -}}
{{- range index .Values.global.arrows .Values.name }}{{ $_ := set $owners . (printf "http://%s:8000" .) }}{{ end -}}
{{- toJson $owners -}}
{{- end }}

{{/* Everything mpp/settings.py reads. A password comes first: the address behind it names it. */}}
{{- define "service.env" -}}
{{- $g := .Values.global -}}
{{ include "service.secret" (dict "as" "DATABASE_PASSWORD" "name" (printf "mpp-%s-database" .Values.name) "key" "password") }}
{{ include "service.secret" (dict "as" "NATS_PASSWORD" "name" (printf "mpp-%s-nats" .Values.name) "key" "password") }}
{{ include "service.secret" (dict "as" "MPP_SYSTEM_CLIENT_SECRET" "name" (printf "mpp-%s-client" .Values.name) "key" "password") }}
{{ include "service.secret" (dict "as" "MPP_SECRET_KEY" "name" "mpp-installation" "key" "secret-key") }}
- name: MPP_SERVICE
  value: {{ .Values.name }}
- name: MPP_SCHEMA
  value: {{ .Values.name }}
- name: MPP_HOST
  value: 0.0.0.0
- name: MPP_PORT
  value: "8000"
- name: MPP_DATABASE_URL
  value: postgresql://{{ .Values.name }}:$(DATABASE_PASSWORD)@{{ $g.postgres.host }}:{{ $g.postgres.port }}/mpp
- name: PGSSLMODE
  value: {{ $g.postgres.sslMode }}
- name: PGSSLROOTCERT
  value: /etc/mpp/postgres/ca.crt
{{- if .Values.vault }}
{{ include "service.secret" (dict "as" "KEYS_PASSWORD" "name" (printf "mpp-%s-keys" .Values.name) "key" "password") }}
{{ include "service.secret" (dict "as" "MPP_MASTER_KEY" "name" "mpp-installation" "key" "master-key") }}
- name: MPP_KEYS_URL
  value: postgresql://{{ .Values.name }}:$(KEYS_PASSWORD)@{{ $g.keys.host }}:{{ $g.keys.port }}/mpp_keys?sslmode={{ $g.postgres.sslMode }}&sslrootcert=/etc/mpp/keys/ca.crt
{{- end }}
{{- if .Values.files }}
{{ include "service.secret" (dict "as" "MPP_S3_SECRET" "name" (printf "mpp-%s-storage" .Values.name) "key" "secret") }}
- name: MPP_S3_URL
  value: {{ $g.storage.url }}
{{- end }}
- name: MPP_NATS_URL
  value: nats://{{ .Values.name }}:$(NATS_PASSWORD)@{{ $g.nats.host }}:{{ $g.nats.port }}
- name: MPP_STREAM_REPLICAS
  value: {{ $g.nats.replicas | quote }}
- name: MPP_DRAIN_SECONDS
  value: {{ .Values.drainSeconds | quote }}
- name: MPP_ISSUERS
  value: {{ toJson $g.issuers | quote }}
- name: MPP_OWNERS
  value: {{ include "service.owners" . | quote }}
- name: MPP_SYSTEM_TOKEN_URL
  value: {{ $g.systemTokenUrl }}
- name: MPP_SYSTEM_CLIENT_ID
  value: {{ .Values.name }}
{{- with $g.telemetry.endpoint }}
- name: MPP_OTLP_ENDPOINT
  value: {{ . }}
- name: MPP_TRACE_SAMPLE
  value: {{ $g.telemetry.sample | quote }}
{{- end }}
{{- range $variable, $value := .Values.settings }}
- name: {{ $variable }}
  value: {{ $value | quote }}
{{- end }}
{{- range $variable, $from := .Values.secrets }}
{{ include "service.secret" (dict "as" $variable "name" $from.name "key" $from.key) }}
{{- end }}
{{- end }}

{{- define "service.hardened" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "service.mounts" -}}
volumeMounts:
  - name: scratch
    mountPath: /tmp
  - name: postgres-ca
    mountPath: /etc/mpp/postgres
    readOnly: true
  {{- if .Values.vault }}
  - name: keys-ca
    mountPath: /etc/mpp/keys
    readOnly: true
  {{- end }}
{{- end }}
