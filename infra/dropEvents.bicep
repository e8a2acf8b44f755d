// Tells the function app of every file dropped in the container raw: Flex Consumption polls no container. Deployed once the app is published,
// for Event Grid asks its endpoint whether it is one (the validation handshake), and the key is made when the app has started.
param location string
param name string
param storageAccount string
param functionApp string

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageAccount
}

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: functionApp
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  properties: { source: account.id, topicType: 'Microsoft.Storage.StorageAccounts' }
}

resource drops 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'raw-drops'
  properties: {
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: 'https://${app.properties.defaultHostName}/runtime/webhooks/blobs?functionName=Host.Functions.RawDrop&code=${listKeys('${app.id}/host/default', '2024-04-01').systemKeys.blobs_extension}'
      }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: { subjectBeginsWith: '/blobServices/default/containers/raw/', includedEventTypes: ['Microsoft.Storage.BlobCreated'] }
    retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
  }
}
