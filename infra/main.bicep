// The pipeline in Azure: storage, the function app, and a GPU job that starts when a message waits.
targetScope = 'resourceGroup'

@description('Where everything lies; GPU profiles are not to be had everywhere.')
param location string = resourceGroup().location

@description('Begins every name: 3 to 11 of a-z and 0-9.')
@minLength(3)
@maxLength(11)
param name string

@description('The worker\'s image in the registry made here, such as gpu-worker:1. Empty: no job is made yet (first deployment: the registry has no image).')
param workerImage string = ''

@description('Workload profile of the training job: Consumption-GPU-NC24-A100 or Consumption-GPU-NC8as-T4.')
param gpuProfile string = 'Consumption-GPU-NC24-A100'

@description('When retraining is looked at: six-field NCRONTAB, UTC.')
param retrainingSchedule string = '0 0 3 * * *'

@description('Address of the Azure OpenAI resource whose deployments write rows; empty: none. The identity needs the role Cognitive Services OpenAI User there.')
param openAiEndpoint string = ''

@description('Whether the function app is published already: then dropped files start runs (Event Grid asks the app first). False for the first deployment.')
param appIsPublished bool = false

@description('The longest that one training job may run, seconds.')
param longestTrainingSeconds int = 86400

var suffix = uniqueString(resourceGroup().id, name)

module identity 'identity.bicep' = {
  name: 'identity'
  params: { location: location, name: '${name}-identity' }
}

module logs 'logs.bicep' = {
  name: 'logs'
  params: { location: location, name: '${name}-logs' }
}

module storage 'storage.bicep' = {
  name: 'storage'
  params: { location: location, name: take('${name}${suffix}', 24), principalId: identity.outputs.principalId }
}

module registry 'registry.bicep' = {
  name: 'registry'
  params: { location: location, name: '${name}${suffix}', principalId: identity.outputs.principalId }
}

module functionApp 'functionApp.bicep' = {
  name: 'functionApp'
  params: {
    location: location
    name: '${name}-${suffix}'
    storageAccount: storage.outputs.name
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    insightsConnection: logs.outputs.insightsConnection
    retrainingSchedule: retrainingSchedule
    openAiEndpoint: openAiEndpoint
  }
}

module dropEvents 'dropEvents.bicep' = if (appIsPublished) {
  name: 'dropEvents'
  params: { location: location, name: '${name}-drops', storageAccount: storage.outputs.name, functionApp: functionApp.outputs.name }
}

module environment 'environment.bicep' = {
  name: 'environment'
  params: { location: location, name: '${name}-environment', logsName: logs.outputs.name, gpuProfile: gpuProfile }
}

module trainingJob 'trainingJob.bicep' = if (!empty(workerImage)) {
  name: 'trainingJob'
  params: {
    location: location
    name: '${name}-training'
    environmentId: environment.outputs.id
    gpuProfile: gpuProfile
    image: '${registry.outputs.server}/${workerImage}'
    registryServer: registry.outputs.server
    storageAccount: storage.outputs.name
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    longestTrainingSeconds: longestTrainingSeconds
  }
}

output functionApp string = functionApp.outputs.name
output storageAccount string = storage.outputs.name
output registry string = registry.outputs.server
