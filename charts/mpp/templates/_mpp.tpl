{{/* The services that run here, in order. */}}
{{- define "mpp.services" -}}
{{- $here := list -}}
{{- range keys .Values.global.arrows | sortAlpha }}{{ if (index $.Values .).enabled }}{{ $here = append $here . }}{{ end }}{{ end -}}
{{- toJson $here -}}
{{- end }}

{{- define "mpp.labels" -}}
app.kubernetes.io/part-of: mpp
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* What a service may say on NATS; node/mpp_node/services.py says the same for one machine. */}}
{{- define "mpp.nats.publish" -}}
{{- $subjects := list (printf "mpp.%s.>" .name) (printf "poke.%s" .name) "$JS.API.INFO" -}}
{{- $subjects = concat $subjects (list (printf "$JS.API.STREAM.CREATE.mpp-%s" .name) (printf "$JS.API.STREAM.UPDATE.mpp-%s" .name)) -}}
{{- range .all -}}
{{- $s := printf "mpp-%s" . -}}
{{- range list "STREAM.INFO.%s" "STREAM.MSG.GET.%s" "DIRECT.GET.%s" "DIRECT.GET.%s.>" "CONSUMER.CREATE.%s" "CONSUMER.CREATE.%s.>" "CONSUMER.INFO.%s.*" "CONSUMER.DELETE.%s.*" "CONSUMER.MSG.NEXT.%s.*" -}}
{{- $subjects = append $subjects (printf "$JS.API.%s" (printf . $s)) -}}
{{- end -}}
{{- $subjects = append $subjects (printf "$JS.ACK.%s.>" $s) -}}
{{- end -}}
{{- toJson $subjects -}}
{{- end }}
