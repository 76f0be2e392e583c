"""The payloads of the documented VK example, as they stand there: slips and all."""

CREATE_REQUEST = b"""{
  "name":"My VK-SMS scenario",
  "flow": [
    {
      "channel": "VKONTAKTE"
    },
    {
      "from": "InfoSMS",
      "channel": "SMS"
    }    
  ],
  "default": true
}"""  # noqa: W291 the example has these blanks

CREATE_REPLY = b"""{
  "key": "CC9F01A5DC7BEE2C2B829D203482A654",
  "name":"My VK-SMS scenario",
  "flow": [
    {
      "channel": "VKONTAKTE"
    },
    {
      "from": "InfoSMS",
      "channel": "SMS"
    }    
  ],
  "default": true
}"""  # noqa: W291

SEND_REQUEST = b"""{ 
\t"scenarioKey":"CC9F01A5DC7BEE2C2B829D203482A654",  
  "destinations":[ 
  \t{ 
    \t"to":{
        "phoneNumber": "41793026727"
      }
    }
  ],
  "vKontakte": {
  \t"text": "This is VK message."
  },
  "sms": {
  \t"text": "This is the SMS failover message"
  }
}"""  # noqa: W291

SEND_REPLY = b"""{   
    "messages":[   
       {   
            "to":{
              "phoneNumber": "41793026731"
            },
            "status": {
                "groupId": 1,
                "groupName": "PENDING",
                "id": 7,
                "name": "PENDING_ENROUTE",
                "description": "Message sent to next instance"
            },
            "messageId": "50c24400-124f-4678-9f4b-309e994a4deb"
        }
    ]
}"""  # noqa: W291

REPORTS_REPLY = b"""{  
   "results":[  
      {  
         "messageId":"1215f543ab19-345f-adbd-12ad31451ed25f35",
         "to":"41793026731",
         "messageCount": 1,
         "sentAt":"2016-02-23T17:41:11.833+0100",
         "doneAt":"2016-02-23T17:41:11.843+0100",
         "mccMnc":"22801",
         "price":{  
            "pricePerMessage":0.0104,
            "currency":"EUR"
         },
         "status":{  
            "groupId":2,
            "groupName":"UNDELIVERABLE",
            "id":9,
            "name":"UNDELIVERABLE_NOT_DELIVERED",
            "description":"Message sent not delivered"
         },
         "error":{  
            "groupId":1,
            "groupName":"HANDSET_ERRORS",
            "id":6,
            "name":"EC_ABSENT_SUBSCRIBER_SM",
            "description":"Absent Subscriber",
            "permanent":false
         },
        "channel": "VKONTANTE"
      },
      {  
         "messageId":"2315d543441c-335f-1d3d-142d31451ed25f35",
         "to":"41793026731",
         "sentAt":"2016-06-23T17:40:31.773+0100",
         "doneAt":"2016-06-23T17:40:31.787+0100",
         "messageCount":1,
         "mccMnc":"22801",
         "price":{  
            "pricePerMessage":0.01,
            "currency":"EUR"
         },
         "status":{  
            "groupId":3,
            "groupName":"DELIVERED",
            "id":5,
            "name":"DELIVERED_TO_HANDSET",
            "description":"Message delivered to handset"
         },
         "error":{  
            "groupId":0,
            "groupName":"OK",
            "id":0,
            "name":"NO_ERROR",
            "description":"No Error",
            "permanent":false
         },
        "channel": "SMS"
      }
   ]
}"""  # noqa: W291
